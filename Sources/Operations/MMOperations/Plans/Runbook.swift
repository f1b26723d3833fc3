import MMCore
import MMGuard
import MMIdentity

/// A person's standing approval of what a script, a recipe or an own tool may do without being asked again: bound to
/// its digest, with the allowed values, classes and kinds of objects, the maximum number of changes in a run and a day,
/// and an end. It is signed as approvals are, so that it is valid on every machine that knows the key.
struct Runbook: Sendable, Hashable {
    static let form = "mm runbook 1"

    /// The conditions of the approval.
    struct Terms: Sendable, Hashable {
        /// The patterns that the values of each parameter have to match; `*` matches any text. Parameters that are not
        /// named must not be given.
        var values: [String: [String]]
        var classes: [GuardClass]
        /// The kinds of objects: `users`, `Mailbox`; empty for any.
        var kinds: [String]
        var mostARun: Int
        var mostADay: Int
        var until: Timestamp
    }

    let subject: RunbookSubject.Identity
    let place: Plan.Place
    let terms: Terms
    let by: String
    let check: PersonCheck
    let at: Timestamp
    let key: String
    let signature: String

    /// The id, with which it is revoked.
    var id: String { "rbk_" + digest.prefix(12) }
    private var digest: String { Hex.text(SHA256.digest(CanonicalJSON.bytes(content))) }

    private var content: JSONValue { Self.content(subject, place, terms, by, check, at) }

    private static func content(
        _ subject: RunbookSubject.Identity, _ place: Plan.Place, _ terms: Terms, _ by: String, _ check: PersonCheck,
        _ at: Timestamp
    ) -> JSONValue {
        [
            "form": .string(form), "tool": .string(subject.tool), "name": .string(subject.name),
            "module": .string(subject.module), "digest": .string(subject.digest),
            "place": [
                "connection": .string(place.connection), "tenant": .string(place.tenant),
                "identity": .string(place.identity),
            ],
            "values": .object(
                JSONObject(terms.values.map { ($0.key, .array($0.value.map { .string($0) })) })),
            "classes": .array(terms.classes.map { .string($0.rawValue) }),
            "kinds": .array(terms.kinds.map { .string($0) }), "mostARun": .int(Int64(terms.mostARun)),
            "mostADay": .int(Int64(terms.mostADay)), "until": .string(terms.until.iso8601), "by": .string(by),
            "check": .string(check.rawValue), "at": .string(at.iso8601),
        ]
    }

    /// Signs an approval.
    init(
        _ subject: RunbookSubject.Identity, on place: Plan.Place, _ terms: Terms, by person: String, check: PersonCheck,
        with key: EvidenceKey
    ) throws(MMError) {
        (self.subject, self.place, self.terms, self.check) = (subject, place, terms, check)
        by = person
        at = Timestamp(seconds: Timestamp.now.seconds)
        self.key = key.publicText
        signature = try key.signature(
            of: CanonicalJSON.bytes(Self.content(subject, place, terms, person, check, at)))
    }

    /// The bytes of its file.
    var bytes: [UInt8] {
        let value: JSONValue = ["runbook": content, "key": .string(key), "signature": .string(signature)]
        return JSONWriter.bytes(CanonicalJSON.sorted(value), layout: .indented(1)) + [0x0A]
    }

    /// Reads a file.
    /// - Throws: `invalidInput` for a file that is not a runbook, `denied` for one that was changed.
    init(_ bytes: [UInt8], named name: String) throws(MMError) {
        let value = try? JSONParser.parse(bytes)
        guard let content = value?["runbook"], content["form"]?.string == Self.form, let key = value?["key"]?.string,
            let signature = value?["signature"]?.string, let tool = content["tool"]?.string,
            let called = content["name"]?.string, let module = content["module"]?.string,
            let digest = content["digest"]?.string, let connection = content["place"]?["connection"]?.string,
            let tenant = content["place"]?["tenant"]?.string, let identity = content["place"]?["identity"]?.string,
            let mostARun = content["mostARun"]?.int, let mostADay = content["mostADay"]?.int,
            let until = content["until"]?.string.flatMap(Timestamp.init(iso8601:)), let by = content["by"]?.string,
            let check = content["check"]?.string.flatMap(PersonCheck.init),
            let at = content["at"]?.string.flatMap(Timestamp.init(iso8601:))
        else {
            throw MMError(
                .invalidInput, "\(name) is not a runbook that this version of mm can read.",
                hint: "mm runbook approve -o FILE writes one.", details: ["field": "runbook"])
        }
        var values: [String: [String]] = [:]
        for (name, list) in content["values"]?.object ?? [:] { values[name] = list.array?.compactMap(\.string) ?? [] }
        subject = .init(tool: tool, name: called, module: module, digest: digest)
        place = .init(connection: connection, tenant: tenant, identity: identity)
        terms = Terms(
            values: values,
            classes: content["classes"]?.array?.compactMap { $0.string.flatMap(GuardClass.init(rawValue:)) } ?? [],
            kinds: content["kinds"]?.array?.compactMap(\.string) ?? [], mostARun: mostARun, mostADay: mostADay,
            until: until)
        (self.by, self.check, self.at, self.key, self.signature) = (by, check, at, key, signature)
        guard self.bytes == bytes, EvidenceKey.verifies(signature, of: CanonicalJSON.bytes(content), by: key) else {
            throw MMError(.denied, "\(name) was changed after it was approved.", hint: "Approve it again.")
        }
    }

    /// The permissions that it gives, as lines for the person who decides.
    var lines: [String] { Self.lines(subject, place, terms) }

    static func lines(_ subject: RunbookSubject.Identity, _ place: Plan.Place, _ terms: Terms) -> [String] {
        var lines = [
            "\(subject.title) on \(place.connection)\(place.tenant.isEmpty ? "" : " (\(place.tenant))")",
            "SHA-256 \(subject.digest): any change needs a new approval",
        ]
        lines.append(terms.values.isEmpty ? "No parameter values allowed." : "Allowed parameter values:")
        for (name, patterns) in terms.values.sorted(by: { $0.key < $1.key }) {
            lines.append("  \(VisibleText.exact(name)): \(patterns.map(VisibleText.exact).joined(separator: " or "))")
        }
        lines.append("Allowed without asking:")
        lines += terms.classes.map { "  \($0.rawValue): \($0.meaning)" }
        lines.append(
            terms.kinds.isEmpty
                ? "On any kind of object." : "Only on these kinds of objects: \(terms.kinds.joined(separator: ", "))")
        lines.append(
            "At most \(terms.mostARun) changes per run and \(terms.mostADay) per day, until \(terms.until.iso8601).")
        return lines
    }

    /// A row of the list of standing permissions.
    var row: JSONValue {
        [
            "id": .string(id), "connection": .string(place.connection), "class": .string("runbook \(subject.name)"),
            "by": .string(by), "until": .string(terms.until.iso8601),
        ]
    }

    /// Whether a text matches a pattern, in which `*` matches any text.
    static func matches(_ text: String, _ pattern: String) -> Bool {
        let parts = pattern.lowercased().split(separator: "*", omittingEmptySubsequences: false).map { Array($0.utf8) }
        var rest = Array(text.lowercased().utf8)[...]
        guard parts.count > 1 else { return Array(rest) == parts[0] }
        guard rest.starts(with: parts[0]) else { return false }
        rest = rest.dropFirst(parts[0].count)
        for part in parts.dropFirst().dropLast() where !part.isEmpty {
            var found = rest.startIndex
            while found + part.count <= rest.endIndex, !rest[found...].starts(with: part) { found += 1 }
            guard found + part.count <= rest.endIndex else { return false }
            rest = rest[(found + part.count)...]
        }
        let last = parts[parts.count - 1]
        return rest.count >= last.count && rest.suffix(last.count).elementsEqual(last)
    }
}

/// The recipe, own tool or script that a planned call carries out, with its present text.
struct RunbookSubject: Sendable {
    /// The identity to which a runbook is bound.
    struct Identity: Sendable, Hashable {
        /// `recipe`, `do` or `run`.
        let tool: String
        /// Its name; for a script the beginning of its digest.
        let name: String
        let module: String
        let digest: String

        var title: String { tool == "run" ? "script \(name) in \(module)" : "\(tool) \(name)" }
    }

    let identity: Identity
    let connection: String
    let values: JSONObject

    /// - Throws: `invalidInput` for any other call, or for arguments that a runbook doesn't cover.
    init(_ call: Plan.Call, _ paths: StatePaths) throws(MMError) {
        func refused(_ what: String) -> MMError {
            MMError(
                .invalidInput,
                "A runbook covers one recipe, one of your own tools or one script, on one connection: \(what).",
                hint: "mm runbook approve … -- recipe NAME CONNECTION", details: ["field": "calls"])
        }
        guard let connection = call.arguments["connection"]?.string else { throw refused("no connection is named") }
        self.connection = connection
        values = call.arguments["param"]?.object ?? [:]
        let known: Set<String> = ["connection", "param", "output", "tool", "module", "command", "apply"]
        if let stranger = call.arguments.first(where: {
            !known.contains($0.key) && !$0.value.isNull && $0.value != false
        }) {
            throw refused("`\(stranger.key)` is not allowed")
        }
        switch call.tool {
        case "recipe", "do":
            guard let name = call.arguments["tool"]?.string else { throw refused("its name is missing") }
            let shelf: ToolShelf = call.tool == "recipe" ? .recipes : .own(paths)
            let definition = try shelf.definition(named: name)
            identity = Identity(
                tool: call.tool, name: definition.name, module: "",
                digest: Hex.text(SHA256.digest(Array(definition.source.utf8))))
        case "run":
            guard let script = call.arguments["command"]?.string, let module = call.arguments["module"]?.string else {
                throw refused("module and script are required")
            }
            let digest = Hex.text(SHA256.digest(Array(script.utf8)))
            identity = Identity(tool: "run", name: String(digest.prefix(12)), module: module, digest: digest)
        default: throw refused("\(call.tool) is not one of these")
        }
    }
}

/// The runbooks of this home, and the number of changes made under each of them.
struct RunbookShelf: Sendable {
    let directory: String

    init(_ paths: StatePaths) { directory = "\(paths.stateDirectory)/runbooks" }

    func keep(_ runbook: Runbook) throws(MMError) {
        try ProtectedFile.makeDirectory(directory)
        try ProtectedFile.replace("\(directory)/\(runbook.id).runbook", with: runbook.bytes)
    }

    /// Returns the valid runbooks, the newest first.
    func all() -> [Runbook] {
        let names = (try? FolderListing.names(in: directory)) ?? []
        return names.filter { $0.hasSuffix(".runbook") }.compactMap { name -> Runbook? in
            let path = "\(directory)/\(name)"
            guard let bytes = try? ProtectedFile.read(path, limit: 1 << 20) else { return nil }
            return try? Runbook(bytes, named: path)
        }.filter { $0.terms.until > .now }.sorted { $0.at > $1.at }
    }

    static func read(_ path: String) throws(MMError) -> Runbook {
        guard let bytes = try ProtectedFile.read(path, limit: 1 << 20) else {
            throw MMError(.invalidInput, "There is no runbook \(path).", details: ["field": "runbook"])
        }
        return try Runbook(bytes, named: path)
    }

    /// Whether a runbook was revoked here, also one that is given as a file.
    func isRevoked(_ id: String) -> Bool { FileStamp.mayExist("\(directory)/\(id).revoked") }

    /// Revokes a runbook.
    /// - Throws: `notFound` for one that isn't valid here.
    func revoke(_ id: String) throws(MMError) -> Runbook {
        guard let runbook = all().first(where: { $0.id == id }) else {
            throw MMError(
                .notFound, "There is no valid runbook \(id.prefix(20)).", hint: "mm allow lists the valid runbooks.")
        }
        try ProtectedFile.replace("\(directory)/\(id).revoked", with: Array(Timestamp.now.iso8601.utf8))
        try ProtectedFile.remove("\(directory)/\(id).runbook")
        return runbook
    }

    /// Records changes that are about to be made under a runbook, unless they exceed the maximum of a day.
    func spend(_ count: Int, of runbook: Runbook) async throws(MMError) {
        try ProtectedFile.makeDirectory(directory)
        let path = "\(directory)/\(runbook.id).spent"
        let lock = try await FileLock(awaiting: path)
        let since = Timestamp.now + .seconds(-86_400)
        var rows: [JSONValue] = []
        if let bytes = try ProtectedFile.read(path, limit: 16 << 20) {
            guard let read = try? JSONParser.parse(bytes).array else {
                throw MMError(
                    .conflict,
                    "The record of changes under the runbook \(runbook.subject.name), \(path), is broken. Nothing was sent.",
                    hint: "Restore the file, or approve this plan yourself: mm plan approve.",
                    details: ["path": .string(path)])
            }
            rows = read
        }
        rows.removeAll { ($0["at"]?.string.flatMap(Timestamp.init(iso8601:)) ?? .now) < since }
        let spent = rows.reduce(0) { $0 + ($1["count"]?.int ?? 0) }
        guard spent + count <= runbook.terms.mostADay else {
            throw MMError(
                .limitExceeded,
                "The runbook \(runbook.subject.name) allows \(runbook.terms.mostADay) changes a day. \(spent) were made in the last 24 hours, and this "
                    + "plan would make \(count) more. Nothing was sent.",
                hint: "A person must approve this plan: mm plan approve.")
        }
        rows.append(["at": .string(Timestamp.now.iso8601), "count": .int(Int64(count))])
        try ProtectedFile.replace(path, with: JSONWriter.bytes(.array(rows)))
        _ = consume lock
    }
}
