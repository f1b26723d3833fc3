import MMCore
import MMOperations
import MMPool

let environment = ProcessEnvironment.read()
let pool = try PoolAddress(
    url: "https://pool.example:5200", bearer: try PoolAddress.bearer(environment: environment))
let service = RemoteOperationService(pool: pool, environment: environment)
let context = CallContext(caller: Caller(surface: .library, name: "tutorial", server: nil))

let answer = try await service.call("sessions", [:], in: context)
if case .value(let sessions) = answer.body { print(sessions) }
