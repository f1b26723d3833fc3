package import PowerShellSyntax

/// The session in which a script will run, as far as the verdict depends on it.
public struct ScriptContext: Sendable, Hashable {
    /// The module of the session: `exo`, `azure`, `teams`, `pnp`, `powerplatform`, `graph`…; `nil` when unknown.
    public var module: String?
    /// The Azure modules that are installed for the session (`Az.Accounts`, `Az.Compute`); `nil` when unknown.
    package var installedAzureModules: Set<String>?
    /// The state that earlier scripts left in the session.
    package var memory: SessionMemory
    /// Whether the session is confined and its only network access is a proxy that judges each request. Then the text
    /// only requires confirmation for what it states plainly.
    package var isBehindWire = false
    /// Whether the proxy holds back all changes. Then no confirmation is needed for what a script would send.
    package var isDryRun = false
    /// Whether it runs in the native engine: files exist only within the run, the caller that started it answers its
    /// prompts, and names can't get another meaning.
    package var isNative = false
    /// The identity that the session is signed in as, by which a sign-in in the script is judged; `nil` if it is
    /// unknown, and then every sign-in counts as a different one.
    package var signIn: OwnSignIn?
    /// Whether the session has run unjudged or confirmed code since it was started, so that even reads can't be
    /// trusted.
    package var isTainted: Bool { memory.isOpaque }

    /// Creates the context of a new session.
    /// - Parameter module: the module that it is signed in to: `exo`, `azure`, `teams`, `pnp`, `graph`…; `nil` when
    ///   unknown.
    public init(module: String? = nil) {
        self.init(module: module, installedAzureModules: nil, memory: .fresh)
    }

    /// Creates a context.
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
