import MMCore
import MMIdentity

let connection = try ConnectionRegistry().snapshot().connection(named: "Contoso")
let identity = IdentityService()

let account = try await identity.signIn(connection) { prompt in print(prompt.message) }
print("Signed in as \(account.title)")
