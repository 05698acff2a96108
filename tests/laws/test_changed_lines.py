"""The share of changed lines that tests run is computed from the diff and the coverage data, and can be too small."""

from tests.laws.changed_lines import changed, verdict

DIFF = """\
diff --git a/src/accredit/web/token.py b/src/accredit/web/token.py
--- a/src/accredit/web/token.py
+++ b/src/accredit/web/token.py
@@ -1,2 +1,3 @@
+import os
@@ -10 +11 @@ def decide():
+    return 1
@@ -20,2 +21,0 @@
-gone
diff --git a/src/accredit/py.typed b/src/accredit/py.typed
--- /dev/null
+++ b/src/accredit/py.typed
@@ -0,0 +1 @@
+x
"""


def test_new_lines_of_python_files_count_and_removed_ones_do_not() -> None:
    assert changed(DIFF) == {"src/accredit/web/token.py": {1, 2, 3, 11}}


def test_nine_of_ten_lines_are_enough_and_eight_are_not() -> None:
    ten = {"a.py": set(range(1, 11))}
    assert verdict(ten, {"a.py": (range(1, 21), [10, 15])})[0]
    enough, said = verdict(ten, {"a.py": (range(1, 21), [9, 10])})
    assert not enough
    assert "2 lines in a.py" in said


def test_lines_without_statements_do_not_count() -> None:
    assert verdict({"a.py": {1, 2, 3}}, {"a.py": ([], [])})[0]
