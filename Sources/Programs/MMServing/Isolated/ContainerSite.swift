import Glibc
import MMCore
import MMHTTP
import MMPool

/// Pools in containers of their own, each with its socket in a folder that it shares with the router.
struct ContainerSites: PoolSites {
    /// The folder with a folder for each connection.
    let folder: String
    /// Asks every pool.
    let transport: HTTPClient

    let wall = "container"

    func site(of connection: String, registry: JSONObject, among names: [String]) -> any PoolSite {
        let socket = "\(folder)/\(StatePaths.safeName(connection).lowercased())/own/pool.sock"
        return ContainerSite(
            connection: connection, socket: socket,
            client: PoolClient(PoolAddress(socket: socket), transport: transport))
    }
}

/// A pool in a container, which is started by whoever started the router.
struct ContainerSite: PoolSite {
    let connection: String
    let socket: String
    let client: PoolClient

    var isRunning: Bool { access(socket, F_OK) == 0 }
    var holds: JSONObject { ["files": "container"] }

    func bringUp() throws(MMError) {
        if isRunning { return }
        throw MMError(
            .unavailable, "The container of \(connection) does not run: there is no socket at \(socket).",
            hint:
                "Start it with docker compose. In docker-compose.isolated.yml each connection needs a service of its own.",
            retry: .after(.seconds(10)))
    }
}
