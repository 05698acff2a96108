"""The file that the figure applies is one, as large as the figure says, and makes what it describes."""

from accredit.identity import schema
from accredit.identity.manifest import Shape
from accredit.identity.plan import Verb, plan
from bench import apply


def test_the_file_of_the_figure_is_sound_and_adds_everything_that_is_in_it():
    manifest, findings = schema.read(apply.document(3, 5))
    assert findings == ()
    found, findings = plan(Shape(), manifest, prune=False)
    assert findings == ()
    assert found.count(Verb.ADD) == len(found.steps) == 3 + 1 + 5
    assert (apply.SERVERS, apply.AGENTS) == (1_000, 10_000)
