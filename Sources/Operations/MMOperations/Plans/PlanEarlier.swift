import MMCore
import MMDesk

/// What was carried out of a plan that came to no end, for the plan of the rest: the same calls are walked through again, and what is
/// done is answered as the service has answered it, instead of being planned once more.
struct PlanEarlier: Sendable {
    /// A step that was carried out, or of which nobody knows whether it was.
    struct Done: Sendable {
        let plan: String
        let connection: String
        let step: PlanStep
        let isUnknown: Bool
        /// What the service answered, and with which status.
        let answer: JSONValue?
        let status: Int?

        /// What is sent, by which a step is known again.
        fileprivate let key: [UInt8]
    }

    /// The plan that the rest goes on with.
    let digest: String
    /// When the first of them was made: what is called `now` in a definition stays what it was.
    let started: Timestamp
    fileprivate(set) var done: [Done]

    /// The first step with this act, taken out of the list: what is sent twice is answered twice.
    mutating func take(_ act: PlanStep.Act, on connection: String) -> Done? {
        let key = act.key
        guard let place = done.firstIndex(where: { $0.connection == connection && $0.key == key }) else { return nil }
        return done.remove(at: place)
    }

    /// A step that was carried out, wasn't met again, and is much like one that is planned now: a name or a password was made up anew.
    func rival(of steps: [PlanStep]) -> Done? {
        done.first { one in
            !(one.step.change?.isOfState ?? false)
                && steps.contains { $0.connection == one.connection && $0.act.kind == one.step.act.kind }
        }
    }
}

extension PlanStep.Act {
    /// What tells a step from others: what is sent, byte for byte.
    fileprivate var key: [UInt8] { CanonicalJSON.bytes(json) }

    /// What is done, without the values that are given to it.
    fileprivate var kind: String {
        switch self {
        case .request(let request): "\(request.method) \(request.address.prefix { $0 != "?" })"
        case .command(let command, _): command.cmdlet
        case .undo(let entry, _): entry
        }
    }
}

extension Change {
    /// Whether it gives an object a state: whether that has to be done again is seen by the object.
    var isOfState: Bool { [.properties, .licenses, .reference].contains(kind) }
}

extension PlanShelf {
    /// Notes that a plan is carried out here: whoever plans the same calls once more finds it.
    func begins(_ file: PlanFile, for principal: String?) throws(MMError) {
        let place = path(file.digest, .plan)
        if case .missing = FileStamp.lookUp(place) { try file.write(place) }
        let line = Array(file.digest.utf8)
        let list = path(Self.key(file.plan.calls, principal), .begun)
        let known = try ProtectedFile.read(list, limit: 16 << 20) ?? []
        guard !known.split(separator: 0x0A).contains(where: { Array($0) == line }) else { return }
        try ProtectedFile.append(line, to: list)
    }

    /// What was carried out of the same calls by the plan that was begun last, where something of them is left or open.
    func unfinished(_ calls: [Plan.Call], for principal: String?) throws(MMError) -> PlanEarlier? {
        let list = try ProtectedFile.read(path(Self.key(calls, principal), .begun), limit: 16 << 20) ?? []
        for line in list.split(separator: 0x0A).reversed() {
            guard let digest = String(validating: line, as: UTF8.self), let earlier = try earlier(digest),
                let file = try? PlanFile.read(path(digest, .plan))
            else { continue }
            let progress = try PlanProgress(self, digest)
            let isBegun = file.plan.steps.indices.contains { progress.isOver($0) }
            guard isBegun else { continue }
            let isOver = file.plan.open == nil && file.plan.steps.indices.allSatisfy { progress.isOver($0) }
            return isOver ? nil : earlier
        }
        return nil
    }

    /// What was carried out of a plan, and of those that it goes on with.
    func earlier(_ digest: String) throws(MMError) -> PlanEarlier? {
        var chain: [PlanFile] = []
        var next: String? = digest
        while let one = next, chain.count < 1000 {
            guard one.utf8.count == 64, one.allSatisfy(\.isHexDigit), let file = try? PlanFile.read(path(one, .plan))
            else { return nil }
            chain.insert(file, at: 0)
            next = file.plan.after
        }
        var done: [PlanEarlier.Done] = []
        for file in chain {
            let progress = try PlanProgress(self, file.digest)
            for (number, step) in file.plan.steps.enumerated() where progress.isOver(number) {
                guard let was = progress.steps[number] else { continue }
                done.append(
                    PlanEarlier.Done(
                        plan: file.plan.id, connection: step.connection, step: step, isUnknown: was.outcome == .unknown,
                        answer: was.told["answer"], status: was.told["status"]?.int, key: step.act.key))
            }
        }
        guard let first = chain.first else { return nil }
        return PlanEarlier(digest: digest, started: first.plan.started ?? first.plan.made, done: done)
    }

    /// By what the plans of the same calls are found; on a server for a team, each person's own.
    private static func key(_ calls: [Plan.Call], _ principal: String?) -> String {
        let list = calls.map { JSONValue.object(["tool": .string($0.tool), "arguments": .object($0.arguments)]) }
        return Hex.text(
            SHA256.digest(CanonicalJSON.bytes(["calls": .array(list), "principal": .string(principal ?? "")])))
    }
}
