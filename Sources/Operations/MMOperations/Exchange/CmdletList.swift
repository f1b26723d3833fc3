import MMCore
import MMDesk
import MMGuard
import MMNative
import MMSessions

/// `cmdlets`: lists the cmdlets of Exchange and the compliance service, and which of them an account may run.
struct CmdletList: CatalogueOperation {
    struct Input: OperationInput {
        @Argument(
            "pattern", "A name, part of a name, a pattern with * and ?, or words (default: all cmdlets).", .at(0),
            .completes(.cmdlets))
        var pattern: String?
        @Argument("connection", "Also show which of them this connection's account may run.") var connection: String?
        @Argument("module", "List only cmdlets of this module.", of: ["exo", "compliance"]) var module: String?
    }

    let declaration = OperationDeclaration(
        "cmdlets", command: ["cmdlets"], title: "Cmdlets",
        summary: "List Exchange and compliance cmdlets: class, parameters, whether the account may run them.",
        effects: .init(readOnly: true, idempotent: true, openWorld: true), audience: .person,
        examples: [
            .init("mm cmdlets '*InboxRule'", "all cmdlets for inbox rules"),
            .init("mm cmdlets 'mailbox permissions'", "cmdlets that match the words, best first"),
            .init(
                "mm cmdlets Get-Mailbox --connection Contoso",
                "its parameters, and whether Contoso's account may run it"),
        ])

    func run(
        _ input: Input, in context: OperationContext, with services: SessionServices
    ) async throws(MMError) -> OperationAnswer {
        let kinds: [ExchangeTable.Service] =
            input.module.flatMap { ExchangeTable.Service(module: $0) }.map { [$0] } ?? [.exo, .scc]
        let table = ExchangeTable.standard
        let classes = CmdletClasses()
        var allowed: [ExchangeTable.Service: ExchangeCmdletList] = [:]
        if let name = input.connection {
            let connection = try services.registry.connection(named: name, in: context)
            for service in kinds {
                allowed[service] = try await Self.allowed(to: connection, service, context, services.sessions)
            }
        }
        var rows: [JSONObject] = []
        var names: [String] = []
        for service in kinds {
            var known = Set(table.names(of: service))
            for name in allowed[service]?.all ?? [] where !table.knows(name, in: service) { known.insert(name) }
            names += known
            for name in Self.matching(input.pattern, known.sorted()) {
                var row = CmdletReference.row(of: name, service, classes)
                if let list = allowed[service] { row["allowed"] = .bool(list.contains(name)) }
                let described = table.description(of: name, in: service)
                row["parameters"] = .array((described?.parameters ?? []).map { .string($0.name) })
                rows.append(row)
            }
        }
        guard !rows.isEmpty else {
            let near = NearestNames.of(input.pattern ?? "", among: names)
            throw MMError(
                .notFound, "No cmdlet matches \(input.pattern ?? "that name").",
                hint: near.isEmpty ? "mm cmdlets lists all of them." : "Near: \(near.joined(separator: ", ")).")
        }
        if let only = rows.first, rows.count == 1 {
            // A single match is returned with all details, still as a list.
            return OperationAnswer(
                .value(["cmdlets": [.object(CmdletReference.detailed(only, table))]]),
                text: CmdletReference.text(of: only, table))
        }
        return .value(
            ["cmdlets": .array(rows.map { .object($0) })],
            columns: ["name", "module", "class"] + (allowed.isEmpty ? [] : ["allowed"]) + ["parameters"])
    }

    static func matching(_ pattern: String?, _ names: [String]) -> [String] {
        guard let pattern, !pattern.isEmpty else { return names }
        let wanted = pattern.lowercased()
        if let exact = names.first(where: { $0.lowercased() == wanted }) { return [exact] }
        if wanted.contains(" ") { return NameSearch().find(pattern, among: names, limit: 12) }
        guard wanted.contains(where: { $0 == "*" || $0 == "?" }) else {
            return names.filter { name in
                let lower = name.lowercased()
                return lower.indices.contains { lower[$0...].hasPrefix(wanted) }
            }
        }
        return names.filter { matches(Array($0.lowercased()), Array(wanted)) }
    }

    /// Whether a text matches a pattern: `*` matches any text, `?` one character.
    static func matches(_ text: [Character], _ pattern: [Character]) -> Bool {
        var (place, at, star, mark) = (0, 0, -1, 0)
        while place < text.count {
            if at < pattern.count, pattern[at] == "*" {
                (star, mark) = (at, place)
                at += 1
            } else if at < pattern.count, pattern[at] == "?" || pattern[at] == text[place] {
                place += 1
                at += 1
            } else if star >= 0 {
                mark += 1
                (place, at) = (mark, star + 1)
            } else {
                return false
            }
        }
        return pattern[at...].allSatisfy { $0 == "*" }
    }

    private static func allowed(
        to connection: Connection, _ service: ExchangeTable.Service, _ context: OperationContext,
        _ sessions: SessionPool<ModuleSessionFactory>
    ) async throws(MMError) -> ExchangeCmdletList? {
        let deadline = context.deadline
        var onPrompt: (@Sendable (JSONObject) -> Void)?
        if context.call.waitsForSignIn, let person = context.call.person {
            onPrompt = { details in Task { await person.showSignIn(details) } }
        }
        return try await sessions.withSession(
            SessionKey(
                connection: connection.name, module: service.module, signedIn: context.call.caller.signedIn?.id),
            until: deadline, onPrompt: onPrompt
        ) { (lease: SessionLease<ModuleSessionFactory>) async throws(MMError) -> ExchangeCmdletList? in
            guard case .exchange(let session) = lease.session.runner else { return nil }
            return try await session.cmdlets(deadline: deadline)
        }
    }
}
