import MMCore

/// A log of static analysis (OASIS SARIF 2.1.0), which code hosts and editors show at the lines.
struct SARIFLog {
    /// How grave a finding is.
    enum Level: String {
        case note, warning, error
    }

    /// What a kind of finding is about.
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
        /// What the tool says besides.
        var properties: JSONObject?
        /// By which a code host knows the finding again.
        var fingerprint: (name: String, value: String)?
    }

    private let tool: String
    private var rules: [String: JSONObject] = [:]
    private var results: [JSONValue] = []
    private var notifications: [JSONValue]?
    private var isComplete = true

    /// - Parameter tool: what found it, such as `mm guard`.
    init(of tool: String) { self.tool = tool }

    /// Adds a finding, and its rule where it is new.
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

    /// Says what happened while the tool ran.
    /// - Parameter isComplete: whether all was examined that ought to be.
    mutating func ran(isComplete: Bool, notes: [(level: Level, text: String)]) {
        self.isComplete = isComplete
        notifications = notes.map { note in
            ["level": .string(note.level.rawValue), "message": ["text": .string(note.text)]]
        }
    }

    /// The log.
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

    /// A path as a reference (RFC 3986): relative ones stay so. A colon is escaped, which would end a scheme in the first
    /// segment.
    static func reference(to path: String) -> String {
        let kept = path.hasPrefix("./") ? String(path.dropFirst(2)) : path
        let coded = PercentCoding.encode(kept) { byte in
            byte == UInt8(ascii: "/") || (byte != UInt8(ascii: ":") && PercentCoding.isSegmentByte(byte))
        }
        return (path.hasPrefix("/") ? "file://" : "") + coded
    }
}

extension InputField {
    /// The form that code hosts and editors read.
    static let sarif = InputField("sarif", .flag, "Answer in SARIF 2.1.0, for code scanning in CI and for editors.")
}
