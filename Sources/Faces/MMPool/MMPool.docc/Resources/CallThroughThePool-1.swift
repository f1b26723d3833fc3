import Glibc
import MMCore
import MMOperations
import MMPool

let environment = ProcessEnvironment.read()
let socket = "/run/user/\(getuid())/mm/pool.sock"
let service = RemoteOperationService(pool: PoolAddress(socket: socket), environment: environment)
let context = CallContext(caller: Caller(surface: .library, name: "tutorial", server: nil))

let answer = try await service.call("sessions", [:], in: context)
if case .value(let sessions) = answer.body { print(sessions) }
