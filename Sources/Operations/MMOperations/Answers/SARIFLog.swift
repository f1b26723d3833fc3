import MMCore

/// A static analysis log (OASIS SARIF 2.1.0), whose findings code hosts and editors show at their lines.
struct SARIFLog {
    /// The severity of a finding.
    enum Level: String {
        case note, warning, error
    }

    /// The description of a kind of finding.
    struct Rule {
        /// The id that findings name.
        let id: String
        let summary: String
        var help: String?
    }

    /// One finding.
    struct Finding {
        let rule: Rule
        let level: Level
        let message: String
        /// The file, absolute or relative.
        let path: String
        /// The place within the file.
        var region: JSONObject?
        /// Further properties of the finding.
        var properties: JSONObject?
        /// The fingerprint by which a code host recognizes the finding.
        var fingerprint: (name: String, value: String)?
    }

    private let tool: String
    private var rules: [String: JSONObject] = [:]
    private var results: [JSONValue] = []
    private var notifications: [JSONValue]?
    private var isComplete = true

    /// - Parameter tool: the name of the tool, such as `mm guard`.
    init(of tool: String) { self.tool = tool }

    /// Adds a finding, and its rule if the rule is new.
    mutating func add(_ finding: Finding) {
        if rules[finding.rule.id] == nil { rules[finding.rule.id] = Self.json(finding.rule) }
        var place: JSONObject = ["artifactLocation": ["uri": .string(Self.reference(to: finding.path))]]
        if let region = finding.region { place["region"] = .object(region) }
        var result: JSONObject = [
            "ruleId": .string(finding.rule.id), "level": .string(finding.level.rawValue),
            "message": ["text": .string(finding.message)],
            "locations": [["physicalLocation": .object(place)]],
        ]
        if let properties = finding.properties { result["properties"] = .object(properties) }
        if let (name, value) = finding.fingerprint { result["partialFingerprints"] = [name: .string(value)] }
        results.append(.object(result))
    }

    /// Sets the notes about the run of the tool.
    /// - Parameter isComplete: whether everything was examined.
    mutating func ran(isComplete: Bool, notes: [(level: Level, text: String)]) {
        self.isComplete = isComplete
        notifications = notes.map { note in
            ["level": .string(note.level.rawValue), "message": ["text": .string(note.text)]]
        }
    }

    /// The log as JSON.
    var json: JSONValue {
        let listed = rules.sorted { $0.key < $1.key }.map { JSONValue.object($0.value) }
        var run: JSONObject = [
            "tool": [
                "driver": [
                    "name": .string(tool), "version": .string(ProductVersion.text), "rules": .array(listed),
                ]
            ],
            "columnKind": "utf16CodeUnits", "results": .array(results),
        ]
        if let notifications {
            run["invocations"] = [
                ["executionSuccessful": .bool(isComplete), "toolExecutionNotifications": .array(notifications)]
            ]
        }
        return [
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
            "runs": [.object(run)],
        ]
    }

    private static func json(_ rule: Rule) -> JSONObject {
        var json: JSONObject = ["id": .string(rule.id), "shortDescription": ["text": .string(rule.summary)]]
        if let help = rule.help { json["help"] = ["text": .string(help)] }
        return json
    }

    /// Returns a path as a URI reference (RFC 3986); a relative path gives a relative reference. A colon is escaped,
    /// since in the first segment it would end a scheme.
    static func reference(to path: String) -> String {
        let kept = path.hasPrefix("./") ? String(path.dropFirst(2)) : path
        let coded = PercentCoding.encode(kept) { byte in
            byte == UInt8(ascii: "/") || (byte != UInt8(ascii: ":") && PercentCoding.isSegmentByte(byte))
        }
        return (path.hasPrefix("/") ? "file://" : "") + coded
    }
}

extension InputField {
    /// The flag that requests the answer in SARIF.
    static let sarif = InputField("sarif", .flag, "Output SARIF 2.1.0, for code scanning in CI and for editors.")
}
