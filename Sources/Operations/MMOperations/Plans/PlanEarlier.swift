import MMCore
import MMDesk

/// The steps that an earlier, unfinished plan carried out, used to plan the rest: the same calls are made again, and a
/// step that was carried out gets the answer recorded then, instead of being planned again.
struct PlanEarlier: Sendable {
    /// A step that was carried out, or may have been.
    struct Done: Sendable {
        let plan: String
        let connection: String
        let step: PlanStep
        let isUnknown: Bool
        /// The service's answer and its status code.
        let answer: JSONValue?
        let status: Int?

        /// The bytes that are sent, by which the step is recognised.
        fileprivate let key: [UInt8]
    }

    /// The digest of the plan that is continued.
    let digest: String
    /// The time at which the first of these plans was made: `now` in a definition keeps its value.
    let started: Timestamp
    fileprivate(set) var done: [Done]

    /// Removes and returns the first step with this act; an act that is sent twice is answered twice.
    mutating func take(_ act: PlanStep.Act, on connection: String) -> Done? {
        let key = act.key
        guard let place = done.firstIndex(where: { $0.connection == connection && $0.key == key }) else { return nil }
        return done.remove(at: place)
    }

    /// Returns a step that was carried out, wasn't met again, and resembles one that is planned now. The script
    /// probably generates a name or a password anew each time.
    func rival(of steps: [PlanStep]) -> Done? {
        done.first { one in
            !(one.step.change?.isOfState ?? false)
                && steps.contains { $0.connection == one.connection && $0.act.kind == one.step.act.kind }
        }
    }
}

extension PlanStep.Act {
    /// The bytes that identify a step: exactly what is sent.
    fileprivate var key: [UInt8] { CanonicalJSON.bytes(json) }

    /// The act without its values: the method and path, or the cmdlet.
    fileprivate var kind: String {
        switch self {
        case .request(let request): "\(request.method) \(request.address.prefix { $0 != "?" })"
        case .command(let command, _): command.cmdlet
        case .undo(let entry, _): entry
        }
    }
}

extension Change {
    /// Whether it sets a state of an object, so that the object's present state shows whether it has to be done again.
    var isOfState: Bool { [.properties, .licenses, .reference].contains(kind) }
}

extension PlanShelf {
    /// Records that a plan is being carried out here, so that a new plan of the same calls can continue it.
    func begins(_ file: PlanFile, for principal: String?) throws(MMError) {
        let place = path(file.digest, .plan)
        if !FileStamp.mayExist(place) { try file.write(place) }
        let line = Array(file.digest.utf8)
        let list = path(Self.key(file.plan.calls, principal), .begun)
        let known = try ProtectedFile.read(list, limit: 16 << 20) ?? []
        guard !known.split(separator: 0x0A).contains(where: { Array($0) == line }) else { return }
        try ProtectedFile.append(line, to: list)
    }

    /// Returns the steps that the plan of the same calls begun last has carried out, if steps of it are left or it is
    /// open.
    func unfinished(_ calls: [Plan.Call], for principal: String?) throws(MMError) -> PlanEarlier? {
        let list = try ProtectedFile.read(path(Self.key(calls, principal), .begun), limit: 16 << 20) ?? []
        for line in list.split(separator: 0x0A).reversed() {
            guard let digest = String(validating: line, as: UTF8.self), let earlier = try earlier(digest),
                let file = try kept(digest)
            else { continue }
            let progress = try PlanProgress(self, digest)
            let isBegun = file.plan.steps.indices.contains { progress.mayBeDone($0) }
            guard isBegun else { continue }
            let isOver = file.plan.open == nil && file.plan.steps.indices.allSatisfy { progress.isOver($0) }
            return isOver ? nil : earlier
        }
        return nil
    }

    /// Reads a plan of the same calls.
    /// - Returns: `nil` for one that was removed.
    /// - Throws: `conflict` for one that can't be read: what it has applied must not be applied again by mistake.
    private func kept(_ digest: String) throws(MMError) -> PlanFile? {
        do throws(MMError) { return try PlanFile.readIfPresent(path(digest, .plan)) } catch {
            throw MMError(
                .conflict, "\(error.message) It is a plan of the same calls, so what they have applied is unknown.",
                hint: "To plan everything again, including what was applied, use mm plan --anew.")
        }
    }

    /// Returns the steps carried out of a plan and of the plans that it continues.
    func earlier(_ digest: String) throws(MMError) -> PlanEarlier? {
        var chain: [PlanFile] = []
        var next: String? = digest
        while let one = next, chain.count < 1000 {
            guard one.utf8.count == 64, one.allSatisfy(\.isHexDigit), let file = try kept(one) else { return nil }
            chain.insert(file, at: 0)
            next = file.plan.after
        }
        var done: [PlanEarlier.Done] = []
        for file in chain {
            let progress = try PlanProgress(self, file.digest)
            for (number, step) in file.plan.steps.enumerated() where progress.mayBeDone(number) {
                guard let was = progress.steps[number] else { continue }
                done.append(
                    PlanEarlier.Done(
                        plan: file.plan.id, connection: step.connection, step: step, isUnknown: was.known == .unknown,
                        answer: was.told["answer"], status: was.told["status"]?.int, key: step.act.key))
            }
        }
        guard let first = chain.first else { return nil }
        return PlanEarlier(digest: digest, started: first.plan.started ?? first.plan.made, done: done)
    }

    /// Returns the key of all plans of the same calls; on a server for a team, each person has keys of their own.
    private static func key(_ calls: [Plan.Call], _ principal: String?) -> String {
        let list = calls.map { JSONValue.object(["tool": .string($0.tool), "arguments": .object($0.arguments)]) }
        return Hex.text(
            SHA256.digest(CanonicalJSON.bytes(["calls": .array(list), "principal": .string(principal ?? "")])))
    }
}
