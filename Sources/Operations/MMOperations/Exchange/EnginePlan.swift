import MMCore
import MMGuard
import MMNative
import MMSystem
import PowerShellSyntax

/// What carries a script's commands out.
enum Engine: String, Sendable {
    /// The engine of this program, over the service's own interface.
    case native
    /// A PowerShell process.
    case pwsh
}

/// A script on its way to an engine: parsed once, judged before anything is sent.
struct EnginePlan: Sendable {
    /// The script.
    let script: String
    /// Its tree.
    let parsed: ParsedScript
    /// What it reads and sets.
    let variables: VariableUse
    /// Whether its variables are its own: it sees none of the session's, and leaves none.
    var isLocal = false
    /// Texts for its param block.
    private(set) var values: [String: String] = [:]
    /// Other values for its param block.
    private(set) var arguments: [String: PSValue] = [:]
    /// What it may do on the machine in the native engine; `nil` where it is only looked at.
    var host: NativeHost?
    /// Why the native engine can't take the values for its param block.
    private var misfitOfValues: String?
    /// Answers for the cmdlets by which the script signs in; `nil` where it has none.
    private let signIn: SignInSource?
    /// How many columns texts may take; `nil` where nothing limits them.
    var width: Int?
    /// Which engine is wanted.
    private(set) var wanted: ConnectionEngine
    /// Why it is this one, where nobody has named it.
    private(set) var because: String?
    /// Where this machine's programs lie, for a script that no PowerShell can take over; `nil` where one can. The native engine
    /// begins such a script although parts of it that may never be reached don't fit.
    private(set) var programs: String?

    /// A plan.
    /// - Parameter reading: what is known of the script.
    /// - Parameter signIn: answers for the cmdlets by which the script signs in.
    init(
        _ script: String, wanted: ConnectionEngine, reading: ScriptReading? = nil, signIn: SignInSource? = nil
    ) {
        self.script = script
        let reading = reading ?? ScriptReading(script)
        (parsed, variables) = (reading.parsed, reading.variables)
        self.signIn = signIn
        self.wanted = wanted
    }

    /// Leaves the script to PowerShell: it was let through for what keeps that.
    mutating func goesToPowerShell() {
        if wanted != .pwsh { because = "the guard lets it through in a confined PowerShell alone" }
        wanted = .pwsh
    }

    /// Keeps the script in the native engine: it was let through for what its names mean there.
    mutating func staysNative() {
        if wanted != .native { because = "earlier code may have changed what names mean in this session's PowerShell" }
        wanted = .native
    }

    /// Leaves the script to the native engine alone: no PowerShell can take it over.
    /// - Parameter programs: where this machine's programs lie, as `PATH` says.
    mutating func isAlone(programs: String?) {
        self.programs = programs ?? "/usr/local/bin:/usr/bin:/bin"
    }

    /// The same script where it only runs if all of it fits.
    var whole: EnginePlan {
        var plan = self
        plan.programs = nil
        return plan
    }

    /// Takes the values for its param block.
    mutating func take(_ arguments: ScriptArguments) {
        values = arguments.texts
        misfitOfValues = arguments.misfit
        self.arguments = arguments.others
    }

    /// Whether it repeats something until an answer ends it: without answers it may never end.
    var waitsForAnswers: Bool {
        ScriptFacts(of: parsed).items.contains { item in
            guard case .statement(let name, _) = item.detail else { return false }
            return ["while", "dowhile", "dountil", "for"].contains(name.lowercased())
        }
    }

    /// Why the native engine does not fit; `nil` when it does.
    /// - Parameters:
    ///   - sources: where cmdlets come from.
    ///   - session: what earlier scripts left.
    func misfit(_ sources: [any CmdletSource], in session: NativeSession) -> String? {
        misfitOfValues ?? engine(sources).unsupportedReason(parsed, values: values, in: session) ?? unproven
    }

    /// The native engine for this script.
    /// - Parameter sources: where cmdlets come from.
    func engine(_ sources: [any CmdletSource], host: NativeHost? = nil) -> NativeEngine {
        var missing: Set<String>?
        if let programs, isLocal, !ServiceCommands(of: parsed).changesSomething {
            missing = self.missing(sources, programs)
        }
        return NativeEngine(
            sources: self.sources(sources), screenWidth: width, host: host ?? self.host, arguments: arguments,
            missing: missing ?? [], isPatient: missing != nil)
    }

    /// Words, in lower case, that the script runs as commands and that are none on any machine: no cmdlet has such a name, and no
    /// program here.
    private func missing(_ sources: [any CmdletSource], _ programs: String) -> Set<String> {
        let modules = CmdletModules()
        let classes = CmdletClasses()
        let own = functions
        var names: Set<String> = []
        for item in ScriptFacts(of: parsed).items {
            guard case .command(let command) = item.detail, let name = command.name, command.invocation == nil else {
                continue
            }
            let lower = name.lowercased()
            guard !Self.isCmdletName(name), name.allSatisfy({ $0.isLetter || $0.isNumber || "-_".contains($0) }),
                !own.contains(lower), !NativeEngine.carriesOut(name), !modules.isBuiltIn(name),
                modules.sessions(of: name).isEmpty, !classes.knows(name), !classes.knows("Get-" + name),
                !sources.contains(where: { $0.knows(name) }), ExecutableSearch.find(name, path: programs) == nil
            else { continue }
            names.insert(lower)
        }
        return names
    }

    /// What of a script that changes something nobody has held against a real PowerShell; `nil` where there is nothing.
    private var unproven: String? {
        guard ServiceCommands(of: parsed).changesSomething else { return nil }
        return NativeEngine.unrecorded(in: parsed).map {
            "\($0), whose meaning is not proven, in a script that changes something"
        }
    }

    /// Where the script's cmdlets come from: these sources, and before them what answers for its sign-in, which the tables of
    /// a service name as well.
    func sources(_ sources: [any CmdletSource]) -> [any CmdletSource] { signIn.map { [$0] + sources } ?? sources }

    /// Commands of cmdlet form that neither the engine nor a source knows.
    func strangers(to sources: [any CmdletSource]) -> [String] {
        var names: [String] = []
        for item in ScriptFacts(of: parsed).items {
            guard case .command(let command) = item.detail, let name = command.name, Self.isCmdletName(name),
                !sources.contains(where: { $0.knows(name) }), signIn?.knows(name) != true,
                !NativeEngine.carriesOut(name), !names.contains(name)
            else { continue }
            names.append(name)
        }
        let own = functions
        return names.filter { !own.contains($0.lowercased()) }
    }

    /// The functions that the script defines, in lower case.
    private var functions: Set<String> {
        Set(
            ScriptFacts(of: parsed).items.compactMap { item in
                if case .function(let name, _) = item.detail { name.lowercased() } else { nil }
            })
    }

    /// Whether the script would fit if a source had the cmdlets of these names.
    func fits(_ sources: [any CmdletSource], with strangers: [String]) -> Bool {
        misfit(sources + [Stranger(names: Set(strangers.map { $0.lowercased() }))], in: NativeSession()) == nil
    }

    /// A source that has cmdlets of some names and runs none.
    private struct Stranger: CmdletSource {
        let names: Set<String>

        func knows(_ name: String) -> Bool { names.contains(name.lowercased()) }

        func open(_ call: CmdletCall) async throws(CmdletFault) -> any CmdletRows {
            throw .handedOver("the command \(call.name)")
        }
    }

    private static func isCmdletName(_ name: String) -> Bool {
        let parts = name.split(separator: "-", omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { !$0.isEmpty && $0.allSatisfy { $0.isLetter || $0.isNumber } }
    }
}
