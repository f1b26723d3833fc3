import MMCore
import MMIdentity

/// `logout`: removes a connection's tokens and pending sign-ins from this machine.
struct Logout: Operation {
    struct Input: OperationInput {
        static let fields: [InputField] = [
            .connection(),
            InputField(
                "forgetAccount", .flag, "Also forget which account was signed in, so that another may sign in next.",
                isOfferedToModels: false),
        ]
        let connection: String
        let forgetAccount: Bool

        init(from reader: InputReader) throws(MMError) {
            connection = try reader.requiredText("connection")
            forgetAccount = try reader.flag("forgetAccount")
        }
    }

    let declaration = OperationDeclaration(
        "logout", aliases: ["mm_logout"], command: ["logout"], title: "Sign out",
        summary: "Remove a connection's tokens from this machine.",
        description:
            "Removes a connection's tokens and pending sign-ins from this machine. The next call needs a new sign-in.",
        effects: .init(readOnly: false, destructive: true, idempotent: true),
        examples: [.init("mm logout Contoso --forget-account", "lets another account sign in next")]
    )

    func run(_ input: Input, in context: OperationContext) async throws(MMError) -> OperationAnswer {
        let connection = try context.connection(named: input.connection)
        // Which account a connection belongs to is the owner's to say: a model must not open the door for another one.
        if input.forgetAccount, context.call.caller.surface == .mcp {
            throw MMError(
                .forbidden, "`forgetAccount` is for the connection's owner.",
                hint: "Ask the person to run `mm logout \(connection.name) --forget-account`."
            )
        }
        let result = try await context.services.identity.signOut(connection, forgettingAccount: input.forgetAccount)
        return .value(
            [
                "connection": .string(connection.name), "state": "signed out",
                "accounts": .array(result.accounts.map { .string($0) }),
            ])
    }
}
