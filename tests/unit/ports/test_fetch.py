"""What can be asked of the guarded fetch, and how it fails."""

from accredit.identity.web_address import parse
from accredit.ports.fetch import Errand, FetchFailed, FetchFailure


def test_a_failure_says_why_and_nothing_of_where() -> None:
    failed = FetchFailed(FetchFailure.FORBIDDEN)
    assert (failed.failure, str(failed)) == (FetchFailure.FORBIDDEN, "forbidden")


def test_an_errand_reads_little_unless_it_says_otherwise() -> None:
    errand = Errand(parse("https://a.example/"))
    assert (errand.body, errand.most, errand.cut) == (None, 65_536, False)
