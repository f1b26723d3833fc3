package import PowerShellSyntax

/// Where a script will run, as far as the verdict depends on it.
public struct ScriptContext: Sendable, Hashable {
    /// The module of the session: `exo`, `azure`, `teams`, `pnp`, `powerplatform`, `graph`…; `nil` when unknown.
    public var module: String?
    /// The Azure modules that are installed where it runs (`Az.Accounts`, `Az.Compute`); `nil` when unknown.
    package var installedAzureModules: Set<String>?
    /// What earlier scripts of the session left behind.
    package var memory: SessionMemory
    /// Whether the session is confined and reaches the network through the wire alone, where each request is judged: then its
    /// text is asked about only for what it plainly says.
    package var isBehindWire = false
    /// Whether the wire holds back all that changes something: then nobody is asked about what a script would send.
    package var isDryRun = false
    /// Whether it runs in the native engine: its files are those of the run, its questions are answered by whoever started it, and
    /// its names mean what they are.
    package var isNative = false
    /// Whom the session is signed in as, by which a script's own sign-in is judged; `nil` where nobody knows, so that each is
    /// another's.
    package var signIn: OwnSignIn?
    /// Whether the session ran unjudged or confirmed code since it was started, so that even reads can't be trusted.
    package var isTainted: Bool { memory.isOpaque }

    /// A new session.
    /// - Parameter module: the module that it is signed in to: `exo`, `azure`, `teams`, `pnp`, `graph`…; `nil` when unknown.
    public init(module: String? = nil) {
        self.init(module: module, installedAzureModules: nil, memory: .fresh)
    }

    /// A context.
    package init(
        module: String? = nil, installedAzureModules: Set<String>? = nil, memory: SessionMemory = .fresh,
        isBehindWire: Bool = false
    ) {
        self.isBehindWire = isBehindWire
        self.module = module
        self.installedAzureModules = installedAzureModules
        self.memory = memory
    }
}
