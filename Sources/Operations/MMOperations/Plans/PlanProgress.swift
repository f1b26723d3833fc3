import MMCore

/// How far a plan was carried out: a line before each step is sent and one after it, on disk. Whatever ends the process, who goes on
/// with the plan knows which step was perhaps sent and which was not.
struct PlanProgress: Sendable {
    /// What became of a step.
    enum Outcome: String, Sendable {
        case done
        /// The service refused it, or it never got there: it has changed nothing.
        case failed
        /// Nobody knows whether it was carried out: it is never sent again.
        case unknown
    }

    /// A step that was begun.
    struct Step: Sendable {
        /// The call by which journal and audit log name it.
        let call: String
        let begun: Timestamp
        /// The ids of the objects that were alike when it was sent.
        let alike: [String]?
        var outcome: Outcome?
        /// What a reader is told of it: the receipt has it.
        var told = JSONObject()
    }

    private let path: String
    /// Whether the last line was cut off: what comes next begins a line of its own.
    private var isTorn = false
    /// The call that began it: those that go on are the same one.
    private(set) var call: String?
    /// By whom it was cleared, and how.
    private(set) var clearance: JSONObject?
    private(set) var steps: [Int: Step] = [:]

    /// Reads what stands on disk.
    init(_ shelf: PlanShelf, _ digest: String) throws(MMError) {
        path = shelf.path(digest, .progress)
        guard let bytes = try ProtectedFile.read(path, limit: 256 << 20) else { return }
        isTorn = bytes.last.map { $0 != 0x0A } ?? false
        for line in bytes.split(separator: 0x0A) {
            // A line that was cut off by the end of its process says nothing: what it would have said is found out anew.
            guard let value = try? JSONParser.parse(Array(line)) else { continue }
            take(value)
        }
    }

    private mutating func take(_ line: JSONValue) {
        if let call = line["applies"]?.string {
            if self.call == nil { self.call = call }
        } else if let cleared = line["cleared"]?.object {
            clearance = cleared
        } else if let number = line["begin"]?.int, let call = line["call"]?.string,
            let at = line["at"]?.string.flatMap(Timestamp.init(iso8601:))
        {
            steps[number] = Step(call: call, begun: at, alike: line["alike"]?.array?.compactMap(\.string))
        } else if let number = line["end"]?.int, let outcome = line["outcome"]?.string.flatMap(Outcome.init) {
            steps[number]?.outcome = outcome
            steps[number]?.told = line["told"]?.object ?? [:]
        }
    }

    private mutating func add(_ line: JSONValue) throws(MMError) {
        try ProtectedFile.append((isTorn ? [0x0A] : []) + JSONWriter.bytes(line), to: path)
        isTorn = false
        take(line)
    }

    /// Says that a call applies the plan.
    mutating func applies(_ call: String) throws(MMError) { try add(["applies": .string(call)]) }

    /// Says by whom it was cleared.
    mutating func clears(_ by: JSONObject) throws(MMError) { try add(["cleared": .object(by)]) }

    /// Says that a step is about to be sent.
    mutating func begins(_ number: Int, as call: String, alike: [String]?) throws(MMError) {
        var line: JSONObject = [
            "begin": .int(Int64(number)), "call": .string(call), "at": .string(Timestamp.now.iso8601Milliseconds),
        ]
        line["alike"] = alike.map { .array($0.map { .string($0) }) }
        try add(.object(line))
    }

    /// Says what became of a step.
    mutating func ends(_ number: Int, _ outcome: Outcome, _ told: JSONObject) throws(MMError) {
        try add(["end": .int(Int64(number)), "outcome": .string(outcome.rawValue), "told": .object(told)])
    }

    /// Whether a step is done with: carried out, or never to be sent again.
    func isOver(_ number: Int) -> Bool { [.done, .unknown].contains(steps[number]?.outcome) }

    /// How far a plan has come, in a word.
    func word(of plan: Plan) -> String {
        if plan.steps.indices.allSatisfy(isOver) { return "applied" }
        if plan.until <= .now { return "expired" }
        let done = plan.steps.indices.count(where: isOver)
        return steps.isEmpty ? "planned" : "applied in part: \(done) of \(plan.steps.count)"
    }
}
