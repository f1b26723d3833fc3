import MMCore
import MMIdentity

let connection = try ConnectionRegistry().snapshot().connection(named: "Contoso")
let identity = IdentityService()

if case .signedOut = await identity.state(of: connection) {
    let account = try await identity.signIn(connection) { prompt in print(prompt.message) }
    print("Signed in as \(account.title)")
}

let token = try await identity.token(for: connection, resource: .graph)
print("A token for \(token.account.title), good until \(token.expiresAt.iso8601)")
