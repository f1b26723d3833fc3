import Glibc
import MMCore
import MMHTTP
import MMOperations
import MMPool

/// Where a router's pools run, as its command line says.
enum IsolatedPoolOptions: Sendable {
    /// In processes that it starts.
    case processes
    /// In containers whose sockets lie below this folder.
    case sockets(String)
    /// At addresses of other machines.
    case network(template: String, tokenFile: String?, authorities: String?)

    /// The arguments of the command.
    static let fields: [InputField] = [
        InputField("sockets", .text, "Where isolated pools in containers of their own have their sockets."),
        InputField(
            "pools", .text,
            "Where isolated pools of other machines are, such as https://{connection}.mm-pools.NAMESPACE.svc:5200."),
        InputField("pools-token-file", .text, "A file (0600) with the bearer secret that those pools require."),
        InputField("pools-ca", .text, "The certificates (PEM) that sign those of the pools, in place of the system's."),
    ]

    /// Reads them.
    /// - Throws: `invalidInput` that names the flag that does not go with another.
    static func read(_ reader: InputReader) throws(MMError) -> IsolatedPoolOptions {
        let (sockets, template) = (try reader.text("sockets"), try reader.text("pools"))
        let (tokenFile, authorities) = (try reader.text("pools-token-file"), try reader.text("pools-ca"))
        if let template {
            guard sockets == nil else {
                throw MMError(
                    .invalidInput, "--sockets and --pools exclude each other.",
                    hint: "Pools are in containers of this machine, or at addresses of others.")
            }
            return .network(template: template, tokenFile: tokenFile, authorities: authorities)
        }
        for (flag, value) in [("pools-token-file", tokenFile), ("pools-ca", authorities)] where value != nil {
            throw MMError(
                .invalidInput, "--\(flag) belongs to --pools.",
                hint: "Add --pools 'https://{connection}.HOST:5200', or leave it out.")
        }
        return sockets.map { .sockets($0) } ?? .processes
    }

    /// The sites of the pools.
    /// - Throws: `unsupported` where processes can't be kept apart; what is wrong with a file or a template.
    func sites(_ paths: StatePaths, _ environment: [String: String], _ log: Log) async throws(MMError) -> any PoolSites
    {
        switch self {
        case .processes:
            return ProcessSites(
                place: IsolatedPlace(paths), paths: paths, environment: environment,
                caps: try IsolatedCaps(environment: environment),
                kind: try await IsolatedWall.strongest(environment: environment), log: log,
                transport: HTTPClient(configuration: HTTPClientConfiguration(environment: environment)))
        case .sockets(let folder):
            return ContainerSites(
                folder: folder,
                transport: HTTPClient(configuration: HTTPClientConfiguration(environment: environment)))
        case .network(let template, let tokenFile, let authorities):
            let secret = try tokenFile.map { (file) throws(MMError) in try BearerSecret.read(file) }
            if let authorities, try ProtectedFile.read(authorities) == nil {
                throw MMError(
                    .notFound, "There is no file \(authorities).", hint: "--pools-ca names a PEM file of certificates.")
            }
            return NetworkSites(
                template: try PoolTemplate(
                    template, bearer: secret, trustsNetwork: PoolAddress.trustsNetwork(environment: environment)),
                transport: NetworkSites.transport(authorities: authorities, environment: environment))
        }
    }
}

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
