import MMCore
import MMIdentity

/// `connections_edit`: changes keys of an entry.
struct ConnectionsEdit: CatalogueOperation {
    struct Input: OperationInput {
        static let fields: [InputField] = [.connection()] + ConnectionFields.settable
        let connection: String
        let values: [(key: String, text: String?)]

        init(from reader: InputReader) throws(MMError) {
            connection = try reader.requiredText("connection")
            values = try ConnectionFields.read(reader)
            guard !values.isEmpty else {
                throw MMError(
                    .invalidInput, "connections_edit was given nothing to change.",
                    hint:
                        "For example --expected-email admin@contoso.com, or --set tags=a,b; an empty value removes a key."
                )
            }
        }
    }

    let declaration = OperationDeclaration(
        "connections_edit", command: ["connections", "edit"], title: "Edit a connection",
        summary: "Change keys of a connection.", effects: .init(readOnly: false, idempotent: true), audience: .person,
        examples: [
            .init("mm connections edit Contoso --guard readonly", "lets reads through and nothing else"),
            .init("mm connections edit Contoso expectedEmail=admin@contoso.com tags=a,b", "several keys at once"),
            .init("mm connections edit Contoso mcps=", "removes the key mcps: every server may use it again"),
        ]
    )

    func run(
        _ input: Input, in context: OperationContext, with services: ConnectionServices
    ) async throws(MMError) -> OperationAnswer {
        context.record.note("connection", .string(input.connection))
        let change = { (document: inout JSONObject) throws(MMError) in
            try RegistryEdit.edit(input.connection, fields: input.values, in: &document)
        }
        let (before, after) = try services.registry.preview(change)
        try await services.guarding.settleWeakening(of: input.connection, (before, after), in: context)
        try ConnectionCloudCheck.check(input.values, paths: services.identity.paths)
        var notes: [String] = []
        if Self.signIn(of: input.connection, in: before) != Self.signIn(of: input.connection, in: after) {
            // Tokens of another app or tenant would lie there unseen, and be good again once it is changed back.
            let left = try await services.identity.signOut(named: input.connection).accounts
            if !left.isEmpty { notes.append("Signed out: its tokens were for another app, tenant or cloud.") }
        }
        if Self.account(of: input.connection, in: before) != Self.account(of: input.connection, in: after) {
            // What the earlier account began isn't for the next one to go on with.
            try ConnectionLinks.erase(of: input.connection, paths: services.identity.paths)
        }
        try services.registry.edit(change)
        if input.values.contains(where: { $0.key == "expectedEmail" }),
            let connection = try? services.registry.snapshot().connection(named: input.connection),
            let warning = await services.identity.pinWarning(of: connection)
        {
            notes.append(warning)
        }
        return .value(
            ["changed": .string(input.connection), "keys": .array(input.values.map { .string($0.key) })], notes: notes)
    }

    /// Whose links to unfinished uploads and to read changes are kept.
    private static func account(of connection: String, in document: JSONObject) -> [JSONValue?] {
        let entry = document["connections"]?[connection]
        return ["expectedEmail", "homeAccountId", "pin"].map { entry?[$0] }
    }

    /// What an entry's tokens are good for: with another app, tenant, cloud or way to sign in they are none of it.
    private static func signIn(of connection: String, in document: JSONObject) -> [JSONValue?] {
        let entry = document["connections"]?[connection]
        return ["appId", "tenant", "tenantId", "cloud", "auth"].map { entry?[$0] }
    }
}
