import MMCore
import MMIdentity

let environment = ProcessEnvironment.read()
let registry = ConnectionRegistry(path: StatePaths(environment: environment).registry)
let connection = try registry.snapshot().connection(named: "Contoso")
let identity = IdentityService(environment: environment)

let account = try await identity.signIn(connection) { prompt in print(prompt.message) }
print("Signed in as \(account.username)")
