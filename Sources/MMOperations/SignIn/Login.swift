import MMCore
import MMIdentity

/// `login`: signs a connection in, or answers with the code a person must enter.
struct Login: Operation {
    struct Input: OperationInput {
        static let fields: [InputField] = [
            .connection(), .signInResource,
            InputField("renew", .flag, "Start over with a new code although somebody is signed in."),
        ]
        let connection: String
        let resource: ServiceResource
        let renew: Bool

        init(from reader: InputReader) throws(MMError) {
            connection = try reader.requiredText("connection")
            resource = try reader.signInResource()
            renew = try reader.flag("renew")
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
                connection, resource: input.resource, renewing: input.renew, deadline: context.deadline
            ) { prompt in await person.showSignIn(prompt.details) }
        } else {
            switch try await identity.beginSignIn(connection, resource: input.resource, renewing: input.renew) {
            case .signedIn(let signedIn): account = signedIn
            case .waiting(let prompt): throw prompt.error(now: .now)
            }
        }
        return .value([
            "connection": .string(connection.name), "state": "signed in", "account": .string(account.username),
            "tenantId": .string(account.tenantID),
        ])
    }
}
