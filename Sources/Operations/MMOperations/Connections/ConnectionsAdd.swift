import MMCore
import MMGuard
import MMIdentity

/// `connections_add`: adds an entry to the registry.
struct ConnectionsAdd: CatalogueOperation {
    struct Input: OperationInput {
        @Argument("name", "Name of the new connection.", .at(0)) var name: String
        @Argument(ConnectionFields.settable, absent: [], reading: ConnectionFields.read)
        var values: [(key: String, text: String?)]
        @Argument("keepTokens", "Keep an existing token cache of this name; by default it is emptied.")
        var keepTokens: Bool
    }

    let declaration = OperationDeclaration(
        "connections_add", command: ["connections", "add"], title: "Add a connection",
        summary: "Add a connection to the registry.", effects: .init(readOnly: false), audience: .person,
        examples: [
            .init(
                "mm connections add Contoso --app-id 11111111-2222-3333-4444-555555555555 --tenant contoso.com "
                    + "--expected-email admin@contoso.com", "a tenant with its own app registration"),
            .init("mm connections add Demo --cloud sandbox --tenant contoso.example", "the sandbox tenant"),
            ConnectionFields.keys(of: "add"),
        ]
    ).kept(by: .owner)

    func run(
        _ input: Input, in context: OperationContext, with services: ConnectionServices
    ) async throws(MMError) -> OperationAnswer {
        context.record.note("connection", .string(input.name))
        let values = ConnectionFields.placed(input.values, in: context)
        let addition = { (document: inout JSONObject) throws(MMError) in
            try RegistryEdit.add(input.name, fields: values, to: &document)
        }
        let after = try services.registry.preview(addition).after
        try ConnectionCloudCheck.check(input.values, paths: services.identity.paths)
        let connection = try RegistrySnapshot(document: after).connection(named: input.name)
        var notes: [String] = []
        if input.keepTokens {
            try await services.guarding.settle(Weakening(adoptingTokensFor: connection), in: context)
        } else {
            // Leftovers of an earlier connection of this name, for instance one removed by hand, must not be used for
            // the new one.
            let left = try await services.identity.signOut(named: input.name, forgettingAccount: true).accounts
            if !left.isEmpty {
                notes.append(
                    "Tokens of an earlier connection of this name were removed: \(left.joined(separator: ", ")).")
            }
        }
        try await services.registry.editWhenFree(addition)
        if case .unusable(let lack) = await services.identity.state(of: connection) {
            // Its sign-in would only fail with this error.
            notes.append(lack.description)
        } else {
            notes.append("Sign in with: mm login \(ShellWord.quoted(input.name))")
        }
        return .value(
            ["added": .string(input.name), "registry": .string(services.registry.path)], notes: notes)
    }
}
