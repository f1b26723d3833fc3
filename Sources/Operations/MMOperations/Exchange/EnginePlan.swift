import MMCore
import MMGuard
import MMNative
import MMSystem
import PowerShellSyntax

/// The engine that runs a script's commands.
enum Engine: String, Sendable {
    /// The engine of this program, which uses the service's own interface.
    case native
    /// A PowerShell process.
    case pwsh
}

/// A script with the engine chosen for it: parsed once, judged before anything is sent.
struct EnginePlan: Sendable {
    /// The script.
    let script: String
    /// What its text tells.
    let reading: ScriptReading
    /// Whether its variables are local: it neither sees those of the session nor leaves any.
    var isLocal = false
    /// Values of its parameters that are text.
    private(set) var values: [String: String] = [:]
    /// Other values of its parameters.
    private(set) var arguments: [String: PSValue] = [:]
    /// Its access to the machine in the native engine; `nil` where the script is only analysed.
    var host: NativeHost?
    /// The reason why the native engine can't take the values of its parameters.
    private var misfitOfValues: String?
    /// The construct for which a rehearsal found that it needs PowerShell.
    private var misfitOfRun: String?
    /// Answers the cmdlets with which the script signs in; `nil` if it has none.
    private let signIn: SignInSource?
    /// The maximum width of text output in columns; `nil` for no limit.
    var width: Int?
    /// The engine that is to run it.
    private(set) var wanted: ConnectionEngine
    /// The reason for this engine, if the caller didn't choose it.
    private(set) var because: String?
    /// The `PATH` of this machine, for a script that no PowerShell can take over; `nil` where one can. The native
    /// engine then begins such a script even if it contains unsupported parts that may never be reached.
    private(set) var programs: String?

    /// Creates a plan.
    /// - Parameters:
    ///   - reading: the script as parsed before.
    ///   - signIn: answers the cmdlets with which the script signs in.
    init(
        _ script: String, wanted: ConnectionEngine, reading: ScriptReading, signIn: SignInSource?
    ) {
        self.script = script
        self.reading = reading
        self.signIn = signIn
        self.wanted = wanted
    }

    /// The parsed script.
    var parsed: ParsedScript { reading.parsed }
    /// The variables that it reads and sets.
    var variables: VariableUse { reading.variables }

    /// Leaves the script to PowerShell, because the guard allowed it only in a confined PowerShell.
    mutating func goesToPowerShell() {
        if wanted != .pwsh { because = "the guard allows it only in a confined PowerShell" }
        wanted = .pwsh
    }

    /// Keeps the script in the native engine, because the guard judged its names by their meaning there.
    mutating func staysNative() {
        if wanted != .native { because = "earlier code may have redefined commands in this session's PowerShell" }
        wanted = .native
    }

    /// Leaves the script to PowerShell, because a rehearsal reached a construct that the native engine doesn't have.
    mutating func cannot(_ construct: String) { misfitOfRun = construct }

    /// Leaves the script to the native engine alone, because no PowerShell can take it over.
    /// - Parameter programs: the `PATH` of this machine.
    mutating func isAlone(programs: String?) {
        self.programs = programs ?? "/usr/local/bin:/usr/bin:/bin"
    }

    /// The same script, to be run only if all of it is supported.
    var whole: EnginePlan {
        var plan = self
        plan.programs = nil
        return plan
    }

    /// Takes the values of its parameters.
    mutating func take(_ arguments: ScriptArguments) {
        values = arguments.texts
        misfitOfValues = arguments.misfit
        self.arguments = arguments.others
    }

    /// Whether it has loops that only an answer may end, so that without answers it may never end.
    var waitsForAnswers: Bool {
        ScriptFacts(of: parsed).items.contains { item in
            guard case .statement(let name, _) = item.detail else { return false }
            return ["while", "dowhile", "dountil", "for"].contains(name.lowercased())
        }
    }

    /// Returns the reason why the native engine can't run it; `nil` if it can.
    /// - Parameter sources: the sources of its cmdlets.
    func misfit(_ sources: [any CmdletSource]) -> String? {
        misfitOfValues ?? misfitOfRun ?? engine(sources).unsupportedReason(parsed, values: values) ?? unproven
    }

    /// Whether it may start although it contains what can't be run: it only reads, and leaves nothing to later scripts.
    private var isPatient: Bool { isLocal && !reading.changesSomething }

    /// Returns the native engine for this script.
    /// - Parameter sources: the sources of its cmdlets.
    func engine(
        _ sources: [any CmdletSource], host: NativeHost? = nil, limits: NativeLimits = NativeLimits()
    ) -> NativeEngine {
        var missing: Set<String>?
        if let programs, isPatient { missing = self.missing(sources, programs) }
        return NativeEngine(
            sources: self.sources(sources), screenWidth: width, limits: limits, host: host ?? self.host,
            arguments: arguments,
            missing: missing ?? [], isPatient: missing != nil)
    }

    /// Returns the command names, in lower case, that can't be run here: neither a cmdlet nor a program of this machine
    /// has such a name. A misspelt cmdlet, or one of a module that isn't available here, isn't among them: its script
    /// is refused with the name to use instead before it starts.
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
            // No command's name has an invisible character, which pages and editors leave in copied code.
            if name.unicodeScalars.contains(where: { $0.properties.generalCategory == .format }) { names.insert(lower) }
            guard ForeignCmdlet(name) == nil, name.allSatisfy({ $0.isLetter || $0.isNumber || "-_".contains($0) }),
                !own.contains(lower), !NativeEngine.carriesOut(name), !modules.isBuiltIn(name),
                modules.sessions(of: name).isEmpty || Self.isOfGraph(name), !classes.knows(name),
                !classes.knows("Get-" + name),
                !sources.contains(where: { $0.knows(name) }), ExecutableSearch.find(name, path: programs) == nil,
                !modules.hasSlip(name)
            else { continue }
            names.insert(lower)
        }
        return names
    }

    /// Returns whether a name has the form of those of Graph's modules, all of whose cmdlets the source of Graph knows.
    private static func isOfGraph(_ name: String) -> Bool {
        name.lowercased().hasPrefix("get-mg") && GraphCmdletNames.isForm(name)
    }

    /// Parts of a script that changes something whose behaviour was never compared with a real PowerShell; `nil` where
    /// there are none.
    private var unproven: String? {
        guard reading.changesSomething else { return nil }
        return NativeEngine.unrecorded(in: parsed).map {
            "\($0), which the native engine does not run in a script that changes something"
        }
    }

    /// Returns the sources of the script's cmdlets: the given ones, preceded by the one that answers its sign-in, whose
    /// cmdlets the tables of a service contain as well.
    func sources(_ sources: [any CmdletSource]) -> [any CmdletSource] { signIn.map { [$0] + sources } ?? sources }

    /// Returns the commands with a cmdlet's form of name that neither the engine nor a source knows.
    func strangers(to sources: [any CmdletSource]) -> [String] {
        var names: [String] = []
        for item in ScriptFacts(of: parsed).items {
            guard case .command(let command) = item.detail, let name = command.name, Self.isCmdletName(name),
                !sources.contains(where: { $0.knows(name) }), signIn?.knows(name) != true,
                !NativeEngine.carriesOut(name), !names.contains(name)
            else { continue }
            names.append(name)
        }
        var own = functions
        if let programs, isPatient { own.formUnion(missing(sources, programs)) }
        let (modules, classes) = (CmdletModules(), CmdletClasses())
        return names.filter { name in
            // A report may never reach what only Windows's own modules have.
            let isOfWindows =
                isPatient && classes.knows(name) && modules.sessions(of: name).isEmpty && ForeignCmdlet(name) == nil
            return !own.contains(name.lowercased()) && !isOfWindows
        }
    }

    /// The names of the functions that the script defines, in lower case.
    private var functions: Set<String> {
        Set(
            ScriptFacts(of: parsed).items.compactMap { item in
                if case .function(let name, _) = item.detail { name.lowercased() } else { nil }
            })
    }

    /// Whether the script would be supported if a source had the cmdlets with these names.
    func fits(_ sources: [any CmdletSource], with strangers: [String]) -> Bool {
        misfit(sources + [Stranger(names: Set(strangers.map { $0.lowercased() }))]) == nil
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
