internal import MMCore

/// The parts of a batch that still have no answer, and which of them can go together.
struct BatchQueue: Sendable {
    /// How many requests go together ("Combine multiple HTTP requests using JSON batching").
    private static let mostParts = 20
    /// How many requests to one mailbox Exchange Online carries out at once.
    private static let mostOfMailbox = 4

    let parts: [BatchPart]
    private let needs: [[Int]]
    private var found: [BatchAnswer?]

    /// Takes the parts.
    /// - Throws: `.invalidInput` for ids that aren't unique, and for dependencies that are unknown or run in a circle.
    init(_ parts: [BatchPart]) throws(MMError) {
        var places: [String: Int] = [:]
        for (index, part) in parts.enumerated() {
            guard places.updateValue(index, forKey: part.id.lowercased()) == nil else {
                throw Self.refused("Two requests have the id `\(part.id.prefix(60))`.", "Give each its own.")
            }
        }
        var needs: [[Int]] = []
        for part in parts {
            var own: [Int] = []
            for id in part.dependsOn {
                guard let index = places[id.lowercased()] else {
                    throw Self.refused(
                        "`\(part.id.prefix(60))` depends on `\(id.prefix(60))`, which is none of the requests.",
                        "Name the id of another request.")
                }
                own.append(index)
            }
            needs.append(own)
        }
        self.parts = parts
        self.needs = needs
        found = Array(repeating: nil, count: parts.count)
        try checkCircles()
    }

    /// All answers, in order.
    var answers: [BatchAnswer] { found.compactMap(\.self) }
    /// How many parts have their answer.
    var doneCount: Int { found.count { $0 != nil } }

    mutating func finish(_ index: Int, _ answer: BatchAnswer) { found[index] = answer }
    mutating func clearClosedSignIn(_ index: Int) { found[index] = nil }

    /// Whether a part depends on one of these, directly or not.
    func depends(_ index: Int, onAnyOf others: Set<Int>) -> Bool {
        needs[index].contains { others.contains($0) || depends($0, onAnyOf: others) }
    }

    /// Whether sending a request twice does no harm.
    static func isRepeatable(_ request: GraphRequest) -> Bool {
        ["GET", "HEAD", "OPTIONS"].contains(request.method) || request.header("If-Match") != nil || request.mayRepeat
    }

    /// The parts to send next; `nil` when all have their answer.
    mutating func next() -> [Int]? {
        for index in parts.indices where found[index] == nil {
            let failed = needs[index].first { found[$0].map { $0.status >= 400 } ?? false }
            guard let failed else { continue }
            found[index] = BatchAnswer(
                id: parts[index].id, status: 424, headers: [:],
                body: [
                    "error": [
                        "code": "FailedDependency",
                        "message": .string("The request \(parts[failed].id), which this one depends on, failed."),
                    ]
                ])
            // Others may depend on this one.
            return next()
        }
        var group: [Int] = []
        var mailboxes: [String: Int] = [:]
        var version: String?
        for index in parts.indices where found[index] == nil && group.count < Self.mostParts {
            let target = parts[index].request.target
            guard version == nil || version == target.version,
                needs[index].allSatisfy({ found[$0] != nil || group.contains($0) })
            else { continue }
            if let mailbox = Self.mailbox(target) {
                guard mailboxes[mailbox, default: 0] < Self.mostOfMailbox else { continue }
                mailboxes[mailbox, default: 0] += 1
            }
            version = target.version
            group.append(index)
        }
        return group.isEmpty ? nil : group
    }

    /// A part as it stands in a batch.
    func json(of index: Int, in group: [Int]) -> JSONValue {
        let request = parts[index].request
        let target = request.target
        let version = target.version.map { "/" + $0 } ?? ""
        var value: JSONObject = [
            "id": .string(String(index)), "method": .string(request.method),
            "url": .string(String(target.pathAndQuery.dropFirst(version.utf8.count))),
        ]
        var headers: JSONObject = [:]
        for (name, text) in RequestDefaults.headers(for: target) { headers[name] = .string(text) }
        for (name, text) in request.headers.sorted(by: { $0.key < $1.key }) { headers[name] = .string(text) }
        if let body = request.body {
            let type = request.contentType ?? "application/json"
            headers["Content-Type"] = .string(type)
            let json = type.hasPrefix("application/json") ? try? JSONParser.parse(body) : nil
            value["body"] = json ?? .string(Base64.text(body))
        }
        if !headers.isEmpty { value["headers"] = .object(headers) }
        let waits = needs[index].filter { group.contains($0) && found[$0] == nil }
        if !waits.isEmpty { value["dependsOn"] = .array(waits.map { .string(String($0)) }) }
        return .object(value)
    }

    private func checkCircles() throws(MMError) {
        // 1: being looked at, 2: free of circles.
        var marks = Array(repeating: 0, count: parts.count)
        for start in parts.indices where marks[start] == 0 {
            var path = [(index: start, next: 0)]
            marks[start] = 1
            while let last = path.last {
                guard last.next < needs[last.index].count else {
                    marks[last.index] = 2
                    path.removeLast()
                    continue
                }
                path[path.count - 1].next += 1
                let need = needs[last.index][last.next]
                if marks[need] == 1 {
                    throw Self.refused(
                        "The requests `\(parts[need].id.prefix(60))` and `\(parts[last.index].id.prefix(60))` wait for each other.",
                        "Take one of the dependencies out.")
                }
                if marks[need] == 0 {
                    marks[need] = 1
                    path.append((need, 0))
                }
            }
        }
    }

    /// Whose mailbox a request is about; `nil` for everything else.
    private static func mailbox(_ target: RequestTarget) -> String? {
        let words = target.segments.map { $0.lowercased() }
        let rest: ArraySlice<String>
        let owner: String
        switch words.first {
        case "me": (owner, rest) = ("me", words.dropFirst())
        case "users", "groups":
            guard words.count > 1 else { return nil }
            (owner, rest) = (words[1], words.dropFirst(2))
        default: return nil
        }
        return rest.first.map { mail.contains($0) } == true ? owner : nil
    }

    private static let mail: Set<String> = [
        "messages", "mailfolders", "sendmail", "events", "calendar", "calendars", "calendargroups", "calendarview",
        "contacts", "contactfolders", "mailboxsettings", "inferenceclassification", "findmeetingtimes", "getmailtips",
        "outlook", "conversations", "threads",
    ]

    private static func refused(_ message: String, _ hint: String) -> MMError {
        MMError(.invalidInput, message, hint: hint, details: ["field": "batch"])
    }
}
