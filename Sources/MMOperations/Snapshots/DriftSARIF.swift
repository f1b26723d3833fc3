import MMCore
import MMStates

/// A report in SARIF 2.1.0, which code scanning of GitHub and Azure DevOps reads.
enum DriftSARIF {
    static func report(_ report: DriftReport) -> JSONValue {
        var rules: [JSONValue] = []
        var seen: Set<SnapshotKind> = []
        for finding in report.findings where seen.insert(finding.kind).inserted {
            rules.append([
                "id": .string(finding.kind.name),
                "shortDescription": ["text": .string("Drift: \(finding.kind.title)")],
                "defaultConfiguration": ["level": "warning"],
            ])
        }
        return [
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
            "runs": [
                [
                    "tool": [
                        "driver": [
                            "name": "mm drift", "version": .string(ProductVersion.text), "rules": .array(rules),
                        ]
                    ],
                    "results": .array(report.findings.map(result)),
                    "invocations": [
                        [
                            "executionSuccessful": .bool(!report.gaps.contains(where: \.isOneSided)),
                            "toolExecutionNotifications": .array(
                                report.gaps.map { gap in
                                    [
                                        "level": gap.isOneSided ? "warning" : "note",
                                        "message": ["text": .string("\(gap.kind) was not compared: \(gap.reason)")],
                                    ]
                                }),
                        ]
                    ],
                ]
            ],
        ]
    }

    private static func result(_ finding: SnapshotFinding) -> JSONValue {
        let lines = finding.change == .changed ? finding.difference.lines : []
        let text =
            (["\(finding.kind.title): “\(VisibleText.exact(finding.name))” was \(finding.change.rawValue)."] + lines)
            .joined(separator: "\n")
        return [
            "ruleId": .string(finding.kind.name), "level": "warning", "message": ["text": .string(text)],
            "locations": [
                [
                    "physicalLocation": [
                        "artifactLocation": [
                            "uri": .string(
                                finding.file.split(separator: "/", omittingEmptySubsequences: false)
                                    .map { PercentCoding.encode(String($0), isPlain: PercentCoding.isSegmentByte) }
                                    .joined(separator: "/"))
                        ],
                        "region": ["startLine": 1],
                    ]
                ]
            ],
            "partialFingerprints": ["drift/v1": .string(finding.digest)],
        ]
    }
}
