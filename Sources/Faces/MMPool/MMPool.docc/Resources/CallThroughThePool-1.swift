import MMCore
import MMOperations
import MMPool

let environment = ProcessEnvironment.read()
let pool = try await UserPool(environment: environment).started()
let service = RemoteOperationService(pool: pool, environment: environment)
let context = CallContext(caller: Caller(surface: .library, name: "tutorial", server: nil))

let answer = try await service.call("sessions", [:], in: context)
if case .value(let sessions) = answer.body { print(sessions) }
