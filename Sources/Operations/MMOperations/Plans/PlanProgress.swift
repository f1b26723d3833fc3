import MMCore

/// The progress of a plan, on disk: a line before each step is sent and one after it. However the process ends, the
/// next run knows which steps may have been sent and which were not.
struct PlanProgress: Sendable {
    /// The outcome of a step.
    enum Outcome: String, Sendable {
        case done
        /// The service refused it, or it was not sent: it has changed nothing.
        case failed
        /// It may have been carried out or not: it is never sent again.
        case unknown
    }

    /// A step that was begun.
    struct Step: Sendable {
        /// The call id of the step in the journal and audit log.
        let call: String
        let begun: Timestamp
        /// The ids of the matching objects that existed when it was sent.
        let alike: [String]?
        /// The recorded outcome; `nil` while there is none.
        var outcome: Outcome?
        /// The step's part of the receipt.
        var told = JSONObject()

        /// The outcome for readers: a step without a recorded one was sent, and nobody knows what became of it.
        var known: Outcome { outcome ?? .unknown }
    }

    private let path: String
    /// Whether the last line was cut off, so that a line break has to precede the next one.
    private var isTorn = false
    /// The call that began it; later runs use the same id.
    private(set) var call: String?
    /// The people who approved it, and the means.
    private(set) var clearance: JSONObject?
    private(set) var steps: [Int: Step] = [:]

    /// Reads the progress from disk.
    init(_ shelf: PlanShelf, _ digest: String) throws(MMError) {
        path = shelf.path(digest, .progress)
        guard let bytes = try ProtectedFile.read(path, limit: 256 << 20) else { return }
        isTorn = bytes.last.map { $0 != 0x0A } ?? false
        for line in bytes.split(separator: 0x0A) {
            // A line that was cut off when its process ended is ignored; the outcome of its step is determined again.
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
        let bytes = (isTorn ? [0x0A] : []) + JSONWriter.bytes(line)
        // A disk that becomes full may take a part of the line.
        isTorn = true
        try ProtectedFile.append(bytes, to: path)
        isTorn = false
        take(line)
    }

    /// Records that a call applies the plan.
    mutating func applies(_ call: String) throws(MMError) { try add(["applies": .string(call)]) }

    /// Records the clearance of the plan.
    mutating func clears(_ by: JSONObject) throws(MMError) { try add(["cleared": .object(by)]) }

    /// Records that a step is about to be sent.
    mutating func begins(_ number: Int, as call: String, alike: [String]?) throws(MMError) {
        var line: JSONObject = [
            "begin": .int(Int64(number)), "call": .string(call), "at": .string(Timestamp.now.iso8601Milliseconds),
        ]
        line["alike"] = alike.map { .array($0.map { .string($0) }) }
        try add(.object(line))
    }

    /// Records the outcome of a step. This run knows it even if it can't be written.
    mutating func ends(_ number: Int, _ outcome: Outcome, _ told: JSONObject) throws(MMError) {
        steps[number]?.outcome = outcome
        steps[number]?.told = told
        try add(["end": .int(Int64(number)), "outcome": .string(outcome.rawValue), "told": .object(told)])
    }

    /// Whether a step needs no further attempt: it was carried out, or must never be sent again.
    func isOver(_ number: Int) -> Bool { [.done, .unknown].contains(steps[number]?.outcome) }

    /// Whether a step was carried out, or may have been.
    func mayBeDone(_ number: Int) -> Bool { steps[number].map { $0.known != .failed } ?? false }

    /// Returns the state of a plan, in a few words.
    func word(of plan: Plan) -> String {
        let done = plan.steps.indices.count { steps[$0]?.outcome == .done }
        if done == plan.steps.count { return "applied" }
        let unknown = plan.steps.indices.count { steps[$0]?.known == .unknown }
        let doubt = unknown > 0 ? ", unknown: \(unknown)" : ""
        if plan.until <= .now, !plan.steps.indices.allSatisfy(isOver) { return "expired" + doubt }
        return steps.isEmpty ? "planned" : "partly applied: \(done) of \(plan.steps.count)" + doubt
    }
}
