import MMCore
import MMIdentity

let environment = ProcessEnvironment.read()
let registry = ConnectionRegistry(path: StatePaths(environment: environment).registry)
let connection = try registry.snapshot().connection(named: "Contoso")
let identity = IdentityService(environment: environment)
