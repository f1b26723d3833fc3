import MMCore
import MMIdentity

/// `login`: signs a connection in, or answers with the code a person must enter.
struct Login: CatalogueOperation {
    struct Input: OperationInput {
        static let fields: [InputField] = [
            .connection(), .signInResource,
            InputField("renew", .flag, "Start over with a new code although somebody is signed in."),
            InputField(
                "browser", .flag, "Sign in in a browser of this machine, whatever the connection's entry says.",
                isOfferedToModels: false),
            InputField(
                "deviceCode", .flag, "Sign in with a code, whatever the connection's entry says.",
                isOfferedToModels: false),
        ]
        let connection: String
        let resource: ServiceResource
        let renew: Bool
        /// The way that was asked for; nil for that of the connection's entry.
        let method: SignInMethod?

        init(from reader: InputReader) throws(MMError) {
            connection = try reader.requiredText("connection")
            resource = try reader.signInResource()
            renew = try reader.flag("renew")
            method = try reader.signInWay()
        }
    }

    let declaration = OperationDeclaration(
        "login", aliases: ["mm_login"], command: ["login"], title: "Sign in",
        summary: "Sign a connection in; answers with code and address when a person is needed.",
        description:
            "Signs a connection in. When a person is needed it answers with code, address and account: show them, then call "
            + "again. Other tools start a sign-in by themselves.",
        effects: .init(readOnly: false, idempotent: true, openWorld: true),
        examples: [
            .init("mm login Contoso", "shows the code, waits for the approval"),
            .init("mm login Contoso --renew", "signs in again, for example after a password change"),
            .init("mm login Contoso --browser", "opens the browser, where a policy refuses codes"),
        ]
    )

    func run(
        _ input: Input, in context: OperationContext, with services: ConnectionServices
    ) async throws(MMError) -> OperationAnswer {
        let connection = try services.registry.connection(named: input.connection, in: context)
        let identity = services.identity
        let account: SignedInAccount
        if context.call.waitsForSignIn, let person = context.call.person {
            account = try await identity.signIn(
                connection, resource: input.resource, renewing: input.renew, by: input.method,
                deadline: context.deadline
            ) { prompt in await person.showSignIn(prompt.details) }
        } else if case .browser = input.method {
            throw MMError(
                .invalidInput, "Nobody is here for whom a browser could be opened.",
                hint: "In a terminal: mm login \(ShellWord.quoted(connection.name)) --browser.",
                details: ["connection": .string(connection.name), "field": "browser"])
        } else {
            switch try await identity.beginSignIn(connection, resource: input.resource, renewing: input.renew) {
            case .signedIn(let signedIn): account = signedIn
            case .waiting(let prompt): throw prompt.error(now: .now)
            }
        }
        return .value([
            "connection": .string(connection.name), "state": "signed in", "account": .string(account.title),
            "tenantId": .string(account.tenantID),
        ])
    }
}
