import MMCore
import MMGuard
import MMIdentity

/// A plan on disk: the plan, its digest, and its approvals. A file that was not written by `mm`, or changed by a single
/// byte, is refused.
struct PlanFile: Sendable {
    let plan: Plan
    let digest: String
    var approvals: [PlanApproval] = []

    fileprivate static let limit = 64 << 20

    init(_ plan: Plan) {
        self.plan = plan
        digest = plan.digest
    }

    /// Reads the bytes of a file.
    /// - Parameter name: the name of the file, for messages.
    /// - Throws: `invalidInput` for a file that is not a plan, and for one that was changed.
    init(_ bytes: [UInt8], named name: String) throws(MMError) {
        func refused(_ what: String) -> MMError {
            MMError(
                .invalidInput, "\(name) \(what).", hint: "Make a new plan: mm plan -o FILE -- COMMAND.",
                details: ["field": "plan"])
        }
        let value: JSONValue
        do throws(JSONError) { value = try JSONParser.parse(bytes) } catch { throw refused("is not a plan: \(error)") }
        guard let inner = value["plan"], let digest = value["digest"]?.string else { throw refused("is not a plan") }
        plan = try Plan(json: inner)
        self.digest = digest
        for row in value["approvals"]?.array ?? [] {
            guard let approval = PlanApproval(json: row) else {
                throw refused("contains an approval that can't be read")
            }
            approvals.append(approval)
        }
        guard Hex.text(SHA256.digest(CanonicalJSON.bytes(inner))) == digest, self.bytes == bytes else {
            throw refused("was changed after it was made")
        }
    }

    /// The bytes of the file.
    var bytes: [UInt8] {
        let value: JSONValue = [
            "plan": plan.json, "digest": .string(digest), "approvals": .array(approvals.map(\.json)),
        ]
        return JSONWriter.bytes(CanonicalJSON.sorted(value), layout: .indented(1)) + [0x0A]
    }

    /// Reads a file.
    /// - Throws: `invalidInput` for a missing file, as for any other invalid argument.
    static func read(_ path: String) throws(MMError) -> PlanFile {
        guard let file = try readIfPresent(path) else {
            throw MMError(
                .invalidInput, "There is no plan \(path).", hint: "mm plan -o FILE -- COMMAND makes one.",
                details: ["field": "plan"])
        }
        return file
    }

    /// Reads a file.
    /// - Returns: `nil` for a missing file.
    static func readIfPresent(_ path: String) throws(MMError) -> PlanFile? {
        guard let bytes = try ProtectedFile.read(path, limit: limit) else { return nil }
        return try PlanFile(bytes, named: path)
    }

    func write(_ path: String) throws(MMError) { try ProtectedFile.replace(path, with: bytes) }

    /// Adds approvals to the plan's file at a path, beside those that other people have added meanwhile.
    /// - Returns: the plan with everybody's approvals.
    /// - Throws: `conflict` if another plan is at that path by now.
    func adding(_ more: [PlanApproval], to path: String) async throws(MMError) -> PlanFile {
        var whole = self
        try await ProtectedFile.update(path, limit: Self.limit) { (bytes) throws(MMError) in
            whole = try PlanFile(bytes, named: path)
            guard whole.digest == digest else { throw Self.replaced(path) }
            whole.approvals += more.filter { !whole.approvals.contains($0) }
            return whole.bytes
        }
        return whole
    }

    static func replaced(_ path: String) -> MMError {
        MMError(
            .conflict, "\(path) was replaced by another plan while you were asked: it is not approved.",
            hint: "Run mm plan approve again.")
    }

    /// Counts the signatures that satisfy a question, with the keys that the connections here know.
    /// - Parameter own: this machine's public key.
    func signatures(for question: ConfirmationRequest, on connections: [Connection], own: String) -> PlanSignatures {
        var counted = PlanSignatures()
        for connection in connections {
            var (people, others): (Set<String>, Set<String>) = ([], [])
            for approval in approvals where approval.plan == digest && approval.isGenuine {
                if approval.check >= question.check, let person = approval.person(on: connection, own: own) {
                    people.insert(person.lowercased())
                } else {
                    others.insert(approval.by)
                }
            }
            counted.people.formUnion(people)
            let missing = question.approvals - people.count
            guard missing > counted.missing else { continue }
            counted.missing = missing
            guard !approvals.isEmpty else { continue }
            var lack = "Of the signatures in its file \(people.count) of \(question.approvals) count for "
            lack += "\(connection.name)."
            if !others.isEmpty {
                lack += " \(others.sorted().joined(separator: ", ")) signed with a key that isn't among its "
                lack += "`approvers`, or with a weaker check than \(question.check.rawValue)."
            }
            counted.lack = lack
        }
        return counted
    }
}

/// The signatures of a plan, counted for the connections that it changes.
struct PlanSignatures: Sendable {
    /// The people whose signatures count.
    fileprivate(set) var people: Set<String> = []
    /// The number of people who still have to sign, for the connection that lacks most.
    fileprivate(set) var missing = 0
    /// What the signatures lack for that connection; `nil` where there are none, or enough.
    fileprivate(set) var lack: String?

    /// The sentence for readers about the people who still have to sign; `nil` if there are enough.
    var missingLine: String? {
        guard missing > 0 else { return nil }
        return ["Approvals still needed: \(missing).", lack].compactMap(\.self).joined(separator: " ")
    }
}

/// The plans of this home. Each plan that is made is stored here, so that callers that can't name files can use its id.
struct PlanShelf: Sendable {
    let directory: String

    init(_ paths: StatePaths) { directory = "\(paths.stateDirectory)/plans" }

    /// Returns the path of a file that belongs to a plan.
    func path(_ digest: String, _ kind: Kind) -> String { "\(directory)/\(digest).\(kind.rawValue)" }

    /// The kind of a plan's file.
    enum Kind: String {
        case plan, progress, receipt
        /// The lock of a plan that is being applied.
        case lock = "plan.lock"
        /// The list of plans of the same calls that were begun.
        case begun
    }

    /// Keeps a plan, with the approvals that its copy here has already.
    func keep(_ file: PlanFile) async throws(MMError) {
        try ProtectedFile.makeDirectory(directory)
        try forgetOld()
        let place = path(file.digest, .plan)
        _ = try ProtectedFile.kept(
            at: place, limit: PlanFile.limit, isSound: { (try? PlanFile($0, named: place)) != nil }
        ) { file.bytes }
        if !file.approvals.isEmpty { _ = try await file.adding(file.approvals, to: place) }
    }

    /// A plan and the path of its file.
    struct Found: Sendable {
        var file: PlanFile
        let path: String
    }

    /// Returns the plan that a caller names: by file where the caller may name files, or by id.
    func found(_ name: String, in context: OperationContext) throws(MMError) -> Found {
        guard name.hasPrefix("pln_") else {
            guard context.call.caller.surface == .terminal else {
                throw MMError(
                    .invalidInput, "`plan` must be a plan id, such as pln_0123456789ab.",
                    hint: "The answer of `plan` contains it.", details: ["field": "plan"])
            }
            let path = context.call.path(name)
            return Found(file: try PlanFile.read(path), path: path)
        }
        let wanted = name.dropFirst(4)
        let isSound = wanted.utf8.count >= 12 && wanted.allSatisfy(\.isHexDigit)
        let known = try FolderListing.names(in: directory)
        guard isSound, let file = known.first(where: { $0.hasPrefix(wanted) && $0.hasSuffix(".plan") }) else {
            throw MMError(
                .notFound, "There is no plan \(name.prefix(40)) here.",
                hint: "mm plan list shows the plans of this user.",
                details: ["field": "plan"])
        }
        let path = "\(directory)/\(file)"
        return Found(file: try PlanFile.read(path), path: path)
    }

    /// All plans, the newest first.
    struct Contents: Sendable {
        fileprivate(set) var plans: [PlanFile] = []
        /// Why other files couldn't be read; each error names its file.
        fileprivate(set) var faults: [MMError] = []
    }

    /// Reads all plans. A damaged file doesn't hide the others.
    /// - Throws: the error of a folder that can't be reached.
    func contents() throws(MMError) -> Contents {
        var contents = Contents()
        for name in try FolderListing.names(in: directory).sorted() where name.hasSuffix(".\(Kind.plan.rawValue)") {
            do throws(MMError) {
                // Another process may have removed the file since its folder was listed.
                guard let file = try PlanFile.readIfPresent("\(directory)/\(name)") else { continue }
                contents.plans.append(file)
            } catch {
                contents.faults.append(error)
            }
        }
        contents.plans.sort { $0.plan.made > $1.plan.made }
        return contents
    }

    /// Removes plans a month after their end, with their receipts; at most once a day.
    private func forgetOld() throws(MMError) {
        let mark = "\(directory)/swept"
        let last = try ProtectedFile.read(mark, limit: 64).flatMap {
            Timestamp(iso8601: String(decoding: $0, as: UTF8.self))
        }
        if let last, Timestamp.now - last < .seconds(86_400) { return }
        try ProtectedFile.replace(mark, with: Array(Timestamp.now.iso8601.utf8))
        for file in try contents().plans where file.plan.until + .seconds(30 * 86_400) < .now {
            for kind in [Kind.plan, .progress, .receipt, .lock] { try ProtectedFile.remove(path(file.digest, kind)) }
        }
        for name in try FolderListing.names(in: directory) where name.hasSuffix(".\(Kind.begun.rawValue)") {
            let list = "\(directory)/\(name)"
            let plans = try ProtectedFile.read(list, limit: 16 << 20)?.split(separator: 0x0A) ?? []
            let isKnown = plans.contains { FileStamp.mayExist(path(String(decoding: $0, as: UTF8.self), .plan)) }
            if !isKnown { try ProtectedFile.remove(list) }
        }
    }
}

/// A person's approval of a plan, signed with the key of the machine on which it was given. It is valid wherever that
/// key is known.
struct PlanApproval: Sendable, Hashable {
    /// The digest of the plan.
    let plan: String
    /// The approver's login name.
    let by: String
    /// The check that they passed.
    let check: PersonCheck
    let at: Timestamp
    /// The public key.
    let key: String
    let signature: String

    /// Returns the bytes that are signed.
    private static func bytes(_ plan: String, _ by: String, _ check: PersonCheck, _ at: Timestamp) -> [UInt8] {
        CanonicalJSON.bytes([
            "form": "mm plan approval 1", "plan": .string(plan), "by": .string(by), "check": .string(check.rawValue),
            "at": .string(at.iso8601),
        ])
    }

    /// Signs an approval.
    init(of plan: String, by person: String, check: PersonCheck, with key: EvidenceKey) throws(MMError) {
        let at = Timestamp(seconds: Timestamp.now.seconds)
        self.plan = plan
        by = person
        self.check = check
        self.at = at
        self.key = key.publicText
        signature = try key.signature(of: Self.bytes(plan, person, check, at))
    }

    /// Whether it was signed with the key that it names.
    var isGenuine: Bool { EvidenceKey.verifies(signature, of: Self.bytes(plan, by, check, at), by: key) }

    var json: JSONValue {
        [
            "plan": .string(plan), "by": .string(by), "check": .string(check.rawValue), "at": .string(at.iso8601),
            "key": .string(key), "signature": .string(signature),
        ]
    }

    init?(json: JSONValue) {
        guard let plan = json["plan"]?.string, let by = json["by"]?.string,
            let check = json["check"]?.string.flatMap(PersonCheck.init),
            let at = json["at"]?.string.flatMap(Timestamp.init(iso8601:)), let key = json["key"]?.string,
            let signature = json["signature"]?.string
        else { return nil }
        (self.plan, self.by, self.check, self.at) = (plan, by, check, at)
        (self.key, self.signature) = (key, signature)
    }

    /// Returns the approver's name on a connection: the name under which the registry has the key, or the local user
    /// for this machine's own key.
    /// - Returns: `nil` for a key that is not known here.
    func person(on connection: Connection, own: String) -> String? {
        if let known = connection.approvers.first(where: { $0.value == key }) { return known.key }
        return key == own ? by : nil
    }
}

extension StatePaths {
    /// The key that signs approvals and receipts.
    var evidenceKey: String { "\(stateDirectory)/signing-key" }
}
