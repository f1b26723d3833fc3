import MMCore
import MMPowerShell
import MMSessions

/// Whether the PowerShell sessions of a connection are confined and reach the network through the wire alone: what the
/// guard's verdict, the start of a session and what callers are told all rest on.
struct SessionWalls: Sendable {
    /// What keeps them.
    enum Standing: Sendable {
        /// They are confined behind the wire.
        case up
        /// The owner wants none, or a session that reaches the network by itself, which no wall could hold.
        case unwanted
        /// The kernel can't.
        case missing(MMError)
    }

    /// What keeps the sessions.
    let standing: Standing
    /// Why confined sessions also reach servers elsewhere, at the port of their proxy; nil where they don't.
    private let leak: MMError?
    private let connection: Connection

    /// The walls of a connection's sessions on this machine.
    /// - Parameters:
    ///   - problem: why the kernel can't put them up.
    ///   - leak: why it can't keep sessions to addresses of this machine.
    init(
        of connection: Connection, problem: MMError? = HostWalls.problem(), leak: MMError? = HostWalls.networkProblem()
    ) {
        self.connection = connection
        self.leak = leak
        standing =
            if connection.confinement == .off || connection.egress == .off { .unwanted } else if let problem {
                .missing(problem)
            } else { .up }
    }

    /// Whether whatever runs in a session is confined, and everything that it sends is judged.
    var isUp: Bool {
        if case .up = standing { true } else { false }
    }

    /// Refuses a session that would be less confined than its connection requires.
    func check() throws(MMError) {
        guard connection.confinement == .required else { return }
        let (why, hint): (String, String?) =
            switch standing {
            case .up: leak.map { ($0.message, $0.hint) } ?? ("", nil)
            case .unwanted:
                (
                    "its sessions reach the network directly (`egress`)",
                    "Take the key egress out: mm connections edit \(ShellWord.quoted(connection.name)) egress="
                )
            case .missing(let problem): (problem.message, problem.hint)
            }
        guard let hint else { return }
        throw MMError(
            .unsupported, "The connection \(connection.name) requires confined sessions (`confinement`), but \(why)",
            hint: "\(hint); or let it run with what there is: mm connections edit "
                + "\(ShellWord.quoted(connection.name)) confinement=preferred")
    }

    /// What the first answer of a session says of them, where it is less than its caller would take for granted.
    var notice: String? {
        switch standing {
        case .up: leak.map { "This session's walls have a gap. \($0.message)" }
        case .unwanted where connection.egress == .off:
            "This session reaches the network by itself (\"egress\": \"off\"): what its scripts send is not judged, it "
                + "holds its tokens, and it is not confined."
        case .unwanted:
            "This session is not confined (\"confinement\": \"off\"): its scripts reach all files and programs of this "
                + "user."
        case .missing(let problem):
            "This session is not confined: its scripts reach all files and programs of this user. \(problem.message)"
        }
    }

    /// Puts them up around a session that is about to be started.
    func raise(
        around settings: inout PowerShellSessionSettings, paths: StatePaths, environment: [String: String]
    ) {
        guard isUp else { return }
        let shared = connection.shared.map { $0.hasPrefix("~/") ? paths.home + $0.dropFirst() : $0 }
        let hidden = paths.ownFiles + [ShellsConfiguration.path(environment, home: paths.home)]
        settings.host.confine(behind: HostWalls(in: settings.host.folder, shared: shared, hidden: hidden))
    }
}
