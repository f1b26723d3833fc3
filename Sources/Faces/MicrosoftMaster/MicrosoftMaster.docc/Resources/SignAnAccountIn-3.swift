import MMCore
import MMIdentity

let environment = ProcessEnvironment.read()
let registry = ConnectionRegistry(path: StatePaths(environment: environment).registry)
let connection = try registry.snapshot().connection(named: "Contoso")
let identity = IdentityService(environment: environment)

if case .signedOut = await identity.state(of: connection) {
    let account = try await identity.signIn(connection) { prompt in print(prompt.message) }
    print("Signed in as \(account.username)")
}

let token = try await identity.token(for: connection, resource: .graph)
print("A token for \(token.account.username), good until \(token.expiresAt.iso8601)")
