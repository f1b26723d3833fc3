import MMCore
import MMIdentity

/// `login`: signs a connection in, or answers with the code a person must enter.
struct Login: CatalogueOperation {
    struct Input: OperationInput {
        static let fields: [InputField] = [
            .connection(isRequired: false).forSeveral, .signInResource,
            InputField(
                "all", .flag, "Every connection that needs it, in place of one.", isOfferedToModels: false),
            InputField("renew", .flag, "Start over with a new code."),
            InputField(
                "browser", .flag, "Sign in in a browser of this machine, whatever the connection's entry says.",
                isOfferedToModels: false),
            InputField(
                "deviceCode", .flag, "Sign in with a code, whatever the connection's entry says.",
                isOfferedToModels: false),
        ]
        /// The connection; nil for all of them.
        let connection: String?
        let resource: SignInResource
        let renew: Bool
        /// The way that was asked for; nil for that of the connection's entry.
        let method: SignInMethod?

        init(from reader: InputReader) throws(MMError) {
            connection = try reader.text("connection")
            switch (connection, try reader.flag("all")) {
            case (nil, false):
                throw MMError(
                    .invalidInput, "login needs the argument `connection`.",
                    hint: "Usage: mm login CONNECTION, or mm login --all (`connections` lists the names).",
                    details: ["field": "connection"])
            case (_?, true):
                throw MMError(
                    .invalidInput, "`all` stands in place of a connection.", hint: "Leave one of the two out.",
                    details: ["field": "all"])
            default: break
            }
            resource = try SignInResource(from: reader)
            renew = try reader.flag("renew")
            method = try reader.signInWay()
        }
    }

    let declaration = OperationDeclaration(
        "login", aliases: ["mm_login"], command: ["login"], title: "Sign in",
        summary: "Sign a connection in; answers with code and address when a person is needed.",
        description:
            "Signs a connection in. When a person is needed it answers with code, address and account: show them, then call "
            + "again. Other tools start a sign-in automatically.",
        effects: .init(readOnly: false, idempotent: true, openWorld: true),
        examples: [
            .init("mm login Contoso", "shows the code, waits for the approval"),
            .init("mm login Contoso --renew", "signs in again, for example after a password change"),
            .init("mm login Contoso --browser", "opens the browser, where a policy refuses codes"),
            .init("mm login Contoso --resource azure", "asks for Azure first, where a policy treats it otherwise"),
            .init("mm login --connections tag:msp", "those with a tag that need it"),
            .init("mm login --all", "every connection that needs it; exit code 1 when one failed"),
        ]
    )

    func run(
        _ input: Input, in context: OperationContext, with services: ConnectionServices
    ) async throws(MMError) -> OperationAnswer {
        if context.call.waitsForSignIn, context.call.person != nil { try services.identity.checkSurroundings() }
        guard let name = input.connection else {
            return try await LoginAll(input: input, context: context, services: services).run()
        }
        if try ConnectionSelection(name, in: try services.registry.snapshot()) != nil {
            let chosen = try ConnectionSelection.connections(name, in: services.registry, context)
            return try await LoginAll(input: input, context: context, services: services, chosen: chosen).run()
        }
        let connection = try services.registry.connection(named: name, in: context)
        let identity = services.identity
        let resource = try input.resource.resource(of: connection, in: identity)
        let account: SignedInAccount
        if context.call.waitsForSignIn, let person = context.call.person {
            account = try await identity.signIn(
                connection, resource: resource, renewing: input.renew, by: input.method,
                deadline: context.deadline
            ) { prompt in await person.showSignIn(await identity.details(of: prompt, for: connection)) }
        } else if case .browser = input.method {
            throw MMError(
                .invalidInput, "There is no person here for whom a browser could be opened.",
                hint: "In a terminal: mm login \(ShellWord.quoted(connection.name)) --browser.",
                details: ["connection": .string(connection.name), "field": "browser"])
        } else {
            switch try await identity.beginSignIn(connection, resource: resource, renewing: input.renew) {
            case .signedIn(let signedIn): account = signedIn
            case .waiting(let prompt):
                var error = prompt.error(now: .now)
                if let warning = await identity.pinWarning(of: connection) {
                    error.message += " " + warning
                    error.details["warning"] = .string(warning)
                }
                throw error
            }
        }
        return .value([
            "connection": .string(connection.name), "state": "signed in", "account": .string(account.title),
            "tenantId": .string(account.tenantID),
        ])
    }
}
