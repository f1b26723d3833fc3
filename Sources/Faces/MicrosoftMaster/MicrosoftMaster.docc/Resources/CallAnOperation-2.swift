import Glibc
import MicrosoftMaster

do throws(MMError) {
    let mm = try await MM.pool(named: "tutorial")
    let users = try await mm("graph_request", ["connection": "Contoso", "endpoint": "/users", "all": true])
    for try await user in users.rows { print(user["displayName"]?.string ?? "") }
} catch {
    print(error.description)
    exit(error.exitCode)
}
