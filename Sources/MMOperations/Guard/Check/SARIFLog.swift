import MMCore
import MMGuard

/// Verdicts as a log of static analysis (OASIS SARIF 2.1.0), which code hosts and editors show at the lines.
struct SARIFLog {
    private var results: [JSONValue] = []
    private var rules: [String: JSONObject] = [:]

    /// Adds what the guard says of a text.
    mutating func add(_ verdict: Verdict, on text: CheckedText, policy: GuardPolicy) {
        for finding in verdict.asking {
            let decision = max(policy.decision(for: finding), .ask)
            if rules[finding.rule] == nil { rules[finding.rule] = Self.rule(finding) }
            var result: JSONObject = [
                "ruleId": .string(finding.rule), "level": decision == .deny ? "error" : "warning",
                "message": [
                    "text": .string([finding.reason, finding.instead].compactMap(\.self).joined(separator: " "))
                ],
                "properties": [
                    "verdict": .string(decision.rawValue), "class": .string(finding.classes.strictest.rawValue),
                ],
            ]
            result["locations"] = [["physicalLocation": .object(Self.location(finding.place, in: text))]]
            results.append(.object(result))
        }
    }

    private static func rule(_ finding: GuardFinding) -> JSONObject {
        [
            "id": .string(finding.rule), "shortDescription": ["text": .string(finding.reason)],
            "help": ["text": .string(finding.instead ?? "mm guard rules \(finding.rule) explains the rule.")],
        ]
    }

    private static func location(_ place: SourcePlace?, in text: CheckedText) -> JSONObject {
        var location: JSONObject = [
            "artifactLocation": ["uri": .string(text.file.map(uri) ?? "stdin")]
        ]
        guard let place else { return location }
        location["region"] = [
            "startLine": .int(Int64(max(1, place.line))), "startColumn": .int(Int64(max(1, place.column))),
            "charOffset": .int(Int64(place.offset)), "charLength": .int(Int64(place.length)),
            "snippet": ["text": .string(place.text)],
        ]
        return location
    }

    /// A path as a reference (RFC 3986): relative ones stay so.
    private static func uri(_ path: String) -> String {
        let kept = path.hasPrefix("./") ? path.dropFirst(2) : path[...]
        var text = path.hasPrefix("/") ? "file://" : ""
        for byte in kept.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x2F, 0x5F, 0x7E:
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                text += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return text
    }

    /// The log.
    var json: JSONValue {
        let listed = rules.sorted { $0.key < $1.key }.map { JSONValue.object($0.value) }
        return [
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
            "runs": [
                [
                    "tool": [
                        "driver": [
                            "name": "mm guard", "version": .string(ProductVersion.text), "rules": .array(listed),
                        ]
                    ],
                    "columnKind": "utf16CodeUnits", "results": .array(results),
                ]
            ],
        ]
    }
}
