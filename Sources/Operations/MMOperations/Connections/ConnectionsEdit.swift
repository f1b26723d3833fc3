import MMCore
import MMIdentity
import MMPowerShell

/// `connections_edit`: changes keys of an entry.
struct ConnectionsEdit: CatalogueOperation {
    struct Input: OperationInput {
        @Argument(.connection) var connection: String
        @Argument(ConnectionFields.settable, absent: [], reading: ConnectionFields.read)
        var values: [(key: String, text: String?)]

        func check() throws(MMError) {
            guard !values.isEmpty else {
                throw MMError(
                    .invalidInput, "There is nothing to change: no key was given.",
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
            .init("mm connections edit Contoso --guard readonly", "allows reads only"),
            .init("mm connections edit Contoso expectedEmail=admin@contoso.com tags=a,b", "several keys at once"),
            .init(
                "mm connections edit Contoso mcps=",
                "removes the key mcps, so that every MCP server may use the connection"),
            ConnectionFields.keys(of: "edit"),
        ]
    ).kept(by: .owner)

    func run(
        _ input: Input, in context: OperationContext, with services: ConnectionServices
    ) async throws(MMError) -> OperationAnswer {
        context.record.note("connection", .string(input.connection))
        let values = ConnectionFields.placed(input.values, in: context)
        let change = { (document: inout JSONObject) throws(MMError) in
            try RegistryEdit.edit(input.connection, fields: values, in: &document)
        }
        let (before, after) = try services.registry.preview(change)
        try await services.guarding.settleWeakening(of: input.connection, (before, after), in: context)
        try ConnectionCloudCheck.check(input.values, paths: services.identity.paths)
        var notes: [String] = []
        if Self.signIn(of: input.connection, in: before) != Self.signIn(of: input.connection, in: after) {
            // Tokens for another app or tenant would remain unnoticed, and become valid again if the entry is changed
            // back.
            let left = try await services.identity.signOut(named: input.connection).accounts
            if !left.isEmpty {
                notes.append("The connection is signed out, because its tokens were for another app, tenant or cloud.")
            }
        }
        if Self.account(of: input.connection, in: before) != Self.account(of: input.connection, in: after) {
            // Another account must not continue the earlier account's unfinished operations.
            try ConnectionLinks.erase(of: input.connection, paths: services.identity.paths)
        }
        try await services.registry.editWhenFree(change)
        if input.values.contains(where: { $0.key == "expectedEmail" }),
            let connection = try? services.registry.snapshot().connection(named: input.connection),
            let warning = await services.identity.pinWarning(of: connection)
        {
            notes.append(warning)
        }
        return .value(
            ["changed": .string(input.connection), "keys": .array(input.values.map { .string($0.key) })], notes: notes)
    }

    /// Returns the keys that identify the account of links to unfinished uploads and to delta queries.
    private static func account(of connection: String, in document: JSONObject) -> [JSONValue?] {
        let entry = document["connections"]?[connection]
        return ["expectedEmail", "homeAccountId", "pin"].map { entry?[$0] }
    }

    /// Returns the keys to which an entry's tokens are bound: app, tenant, cloud and sign-in method.
    private static func signIn(of connection: String, in document: JSONObject) -> [JSONValue?] {
        let entry = document["connections"]?[connection]
        return ["appId", "tenant", "tenantId", "cloud", "auth"].map { entry?[$0] }
    }
}

/// The keys of a connection that commands can set, and their parsing.
enum ConnectionFields {
    /// The keys with a flag of their own; `--set key=value` sets any other key.
    static let settable: [InputField] = [
        InputField("appId", .text, "Application (client) ID of the app registration (GUID)."),
        InputField("tenant", .text, "Domain of the tenant, such as contoso.com."),
        InputField("tenantId", .text, "Tenant ID (GUID)."),
        InputField("expectedEmail", .text, "Account that must sign in."),
        InputField("description", .text, "Description of the connection, shown to AI agents."),
        InputField(
            "cloud", .text,
            "\(Connection.clouds.joined(separator: ", ")) (default public), or the path of a cloud file."),
        InputField(
            "guard", .choice(["standard", "strict", "readonly"]), "How strictly the guard judges (default standard)."),
        InputField(
            "egress", .choice(["off"]),
            "off: PowerShell sessions connect to any host directly. To add single hosts, use --set egress.allow=HOST,…"),
        InputField(
            "confinement", .choice(ConnectionConfinement.allCases.map(\.rawValue)),
            "Confinement of sessions by the kernel (default preferred)."),
        InputField("subscription", .text, "Azure subscription that sessions start with, by name or ID."),
        InputField(
            "set", .parameters,
            "Set any key, as key=value: tags=a,b or auth=certificate. An empty value removes the key.",
            .at(1), .completes(.entryKeys)),
    ]

    /// Returns an example for the help that names all sign-in methods, and the keys without a flag.
    static func keys(of command: String) -> OperationDeclaration.Example {
        .init(
            "mm connections \(command) Contoso auth=certificate auth.certificatePath=/etc/mm/contoso.pem",
            "auth is one of \(ways), with its fields as auth.\(ConnectionAuth.fieldNames.joined(separator: ", ")); "
                + "other keys: \(others)")
    }

    private static let ways = ConnectionAuth.Method.allCases.map(\.rawValue).joined(separator: "|")
    /// The keys without a flag.
    private static let others = Connection.knownKeys.filter { key in
        key != "auth" && !settable.contains { $0.name == key }
    }.joined(separator: ", ")

    /// Returns the values with the places of files that are relative to the caller's folder: whoever signs in later,
    /// such as the pool, runs in another one.
    static func placed(
        _ values: [(key: String, text: String?)], in context: OperationContext
    ) -> [(key: String, text: String?)] {
        values.map { key, text in
            let field = key.hasPrefix("auth.") ? String(key.dropFirst(5)) : key
            guard ConnectionAuth.fileFields.contains(field), let text, !text.contains(":") else { return (key, text) }
            return (key, context.call.path(text))
        }
    }

    /// Reads the keys and values of a call.
    static func read(_ reader: InputReader) throws(MMError) -> [(key: String, text: String?)] {
        var fields: [(key: String, text: String?)] = []
        for field in settable where field.name != "set" {
            if let text = try reader.text(field.name) { fields.append((field.name, text)) }
        }
        for (key, text) in try reader.parameters("set") { fields.append((key, text)) }
        for case ("keepSpares", let text?) in fields where !text.hasPrefix("[") {
            for word in text.split(separator: ",") {
                _ = try ModuleProfiles.named(String(word.filter { !$0.isWhitespace }))
            }
        }
        for case ("tenantId", let text?) in fields where !text.isEmpty && !GUID.isValid(text) {
            throw MMError(
                .invalidInput, "`tenantId` must be a GUID, not `\(text.prefix(60))`.",
                hint: "Copy it from the tenant's page in the portal. The domain belongs in `tenant`.",
                details: ["field": "tenantId"])
        }
        return fields
    }
}
