import MMCore
import MMIdentity

let connection = try ConnectionRegistry().snapshot().connection(named: "Contoso")
let identity = IdentityService()
