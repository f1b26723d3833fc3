import MMCore
import MMIdentity

/// `connect`: leads a person from the name of their organisation to a working connection.
///
/// The entry is written before anyone signs in, so that no token exists without a visible entry: first with the shared
/// client, which exists in every tenant, then with the tenant's own app. If the command is interrupted, running it
/// again continues where it stopped.
struct Connect: CatalogueOperation {
    typealias Input = ConnectInput

    let declaration = OperationDeclaration(
        "connect", command: ["connect"], title: "Connect a tenant",
        summary: "Connect a tenant: find it, sign in, and optionally register an app.",
        description:
            "Finds the tenant's cloud and ID, signs you in, offers to register an app with the permissions that the chosen "
            + "uses need (shown first, and only with your approval), and writes the connection. It asks for missing values "
            + "in a terminal; elsewhere the error names the flag. Run it again to continue after an interruption; run it "
            + "with more uses, recipes or permissions to add what is missing.",
        effects: .init(readOnly: false, idempotent: true, openWorld: true), audience: .person,
        examples: [
            .init("mm connect contoso.com", "asks for values that it can't find"),
            .init("mm connect contoso.com --uses graph,exchange --app own", "with an app registration for these uses"),
            .init(
                "mm connect --name Contoso --uses security,devices", "adds only the permissions that these uses lack"),
            .init(
                "mm connect --name Contoso --for-recipe admins-by-role", "adds only the permissions that a recipe needs"
            ),
            .init(
                "mm connect admin@contoso.com --name Contoso --app shared",
                "registers no app: read-only access to the directory"),
        ]
    )

    func run(
        _ input: ConnectInput, in context: OperationContext, with services: RequestServices
    ) async throws(MMError) -> OperationAnswer {
        try services.identity.checkSurroundings()
        var steps = ConnectSteps(input: input, context: context, services: services)
        let tenant = try await steps.findTenant()
        var connection = try await steps.enter(tenant)
        context.record.note("connection", .string(connection.name))
        var registration = Registration.unasked
        if connection.appId == SharedClient.appID {
            let account = try await steps.signInOrWithdraw(connection)
            connection = try await steps.expect(account, on: connection)
            registration = try await steps.register(tenant, account, for: connection)
            if case .app(let id, _) = registration {
                connection = try await steps.change(connection, to: id)
            }
        }
        let account =
            registration.isNew
            ? try await steps.signInToNewApp(connection) : try await steps.signIn(connection)
        connection = try await steps.expect(account, on: connection)
        if case .unasked = registration { registration = try await steps.extend(tenant, connection) }
        connection = try await steps.noteUses(on: connection)
        return try await steps.answer(tenant, connection, account, registration)
    }
}

/// The result of the step that concerns the tenant's own app registration.
enum Registration: Sendable {
    /// Nothing had to be asked: the connection has an app of its own.
    case unasked
    /// The tenant's own app is used; permissions that its services don't offer are missing.
    case app(String, missing: [String])
    /// The connection's own app is unchanged; the notes say what an administrator can do.
    case unchanged(notes: [String])
    /// The connection keeps the shared client.
    case shared(notes: [String])

    /// Whether the app may have just been created.
    var isNew: Bool {
        if case .app = self { true } else { false }
    }
}
