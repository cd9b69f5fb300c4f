"""Validates reports of netswap with libraries and schemas that share no code with it.

Prints one JSON object: what each report contains. Exits with 1 if a report is invalid, or if a
damaged copy of it passes.
"""

import argparse
import csv
import io
import json
import sys
import urllib.parse
import xml.etree.ElementTree as ElementTree

import fastjsonschema
import xmlschema

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def sarif(text, schema):
    validate = fastjsonschema.compile(json.loads(schema))
    report = json.loads(text)
    validate(report)
    rejects(lambda: validate({**report, "version": "2.0.0"}), "a SARIF report of another version")
    broken = json.loads(text)
    broken["runs"][0]["results"][0]["level"] = "fatal"
    rejects(lambda: validate(broken), "a SARIF report with an unknown level")
    run = report["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    results = run["results"]
    for result in results:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"], result
    active = [result for result in results if not result.get("suppressions")]
    uris = {uri(result) for result in active if result["level"] == "error"}
    return {"results": len(results), "failed": sorted(uris)}


def uri(result):
    text = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    parts = urllib.parse.urlsplit(text)
    assert not parts.scheme and not parts.query and not parts.fragment, text
    return urllib.parse.unquote(text, errors="backslashreplace")


def junit(text, schemas):
    for schema in schemas:
        validator = xmlschema.XMLSchema(schema)
        validator.validate(text)
        broken = text.replace("<testsuite ", '<testsuite passed="1" ', 1)
        rejects(lambda: validator.validate(broken), f"an unknown attribute ({schema})")
    suite = ElementTree.fromstring(text).find("testsuite")
    cases = suite.findall("testcase")
    counts = {name: int(suite.get(name)) for name in ("tests", "failures", "errors", "skipped")}
    for name, element in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        count = sum(case.find(element) is not None for case in cases)
        assert count == counts[name], (name, count, counts)
    assert len(cases) == counts["tests"]
    return counts


def table(data):
    assert data.startswith(b"\xef\xbb\xbf") and data.endswith(b"\r\n")
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))
    formulas = [cell for row in rows for cell in row.values() if cell.startswith(FORMULA)]
    assert not formulas, formulas
    assert all(None not in row and None not in row.values() for row in rows)
    return {"rows": len(rows), "harmless": sum("'=" in cell for row in rows for cell in row.values())}


def commands(text):
    """Reads commands as GitHub documents them. Returns the number of each."""
    counts = {}
    for line in text.splitlines():
        assert line.startswith("::"), line
        head, message = line[2:].split("::", 1)
        name, _, properties = head.partition(" ")
        for prop in properties.split(","):
            assert prop.split("=", 1)[0] in ("file", "title"), line
        assert "\r" not in message
        counts[name] = counts.get(name, 0) + 1
    return counts


def rejects(check, what):
    try:
        check()
    except (fastjsonschema.JsonSchemaException, xmlschema.XMLSchemaException):
        return
    sys.exit(f"the validator accepts {what}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--sarif-schema", required=True)
    parser.add_argument("--junit-schema", action="append", required=True)
    arguments = parser.parse_args()

    def read(name):
        with open(f"{arguments.folder}/{name}", "rb") as file:
            return file.read()

    with open(arguments.sarif_schema, encoding="utf-8") as file:
        schema = file.read()
    print(json.dumps({
        "sarif": sarif(read("sarif"), schema),
        "junit": junit(read("junit").decode(), arguments.junit_schema),
        "csv": table(read("csv")),
        "github": commands(read("github").decode()),
    }))


if __name__ == "__main__":
    main()
