import MMCore
import MMPowerShell

/// A module as its vendor ships it, as far as it was seen at the wire or read in its sources: the one place that says how
/// the stand-in behaves where a module is awkward. `StandInModule+Table.swift` holds the rows.
struct StandInModule: Sendable {
    /// The word of its sessions, such as `exo`.
    let word: String
    /// The name of the PowerShell module or program.
    let name: String
    /// The version whose behaviour this is.
    let version: String
    /// Modules beside it, which load with the first of their cmdlets.
    var companions: [String] = []
    /// How it signs in by a code of its own; `nil` where it never does.
    let code: StandInDeviceCode?
    /// How it signs in.
    let connect: StandInConnect
    /// The cmdlet that signs out.
    let disconnect: String?
    /// The environment variables and settings that switch off what it sends beside its work.
    var asides: [StandInAside] = []

    /// Returns the module that has a connect cmdlet of this name, ignoring case.
    static func connecting(by cmdlet: String) -> StandInModule? {
        all.first { $0.connect.cmdlet.lowercased() == cmdlet.lowercased() }
    }

    /// Returns the module of a session's word.
    static func named(_ word: String) -> StandInModule? { all.first { $0.word == word } }
}

/// A module's sign-in by a code that it asks for itself.
struct StandInDeviceCode: Sendable {
    /// The app registration of the vendor; `nil` where the caller must name one.
    let app: String?
    /// The stream on which the code is shown.
    let way: StandInOptions.PromptWay
    /// The authority's tenant where it isn't the connection's.
    var authority: String?
    /// The scopes that it asks for, as the module writes them.
    let scope: String
    /// What the module does with the code before it polls; each may fail where a session is confined.
    var beforePolling: [Step] = []

    /// Something that happens between the code and the first poll.
    enum Step: Sendable {
        /// Puts the code on the clipboard, for which a program must be there.
        case clipboard
        /// Listens on a port of this machine for the browser that comes back.
        case listen
    }
}

/// A connect cmdlet.
struct StandInConnect: Sendable {
    let cmdlet: String
    /// Its parameter sets; a call must fit one of them.
    let sets: [StandInParameterSet]
    /// Parameters that bind, but that the module refuses together, and its words for it.
    var refusals: [(together: [String], message: String)] = []
    /// What it finds wrong with the tokens that it is given; `nil` for nothing.
    var check: @Sendable (StandInCall) -> String? = { _ in nil }
    /// What it reads from its service before it is content, relative to the tenant's address.
    var firstReads: [String] = []
    /// What it puts out.
    var output: @Sendable (TokenClaims, StandInCall) -> [PowerShellRecord] = { _, _ in [] }

    /// Returns how a call signs in.
    /// - Throws: PowerShell's own words for a call that doesn't bind, the module's for one that it refuses.
    func way(of call: StandInCall) throws(StandInRefusal) -> StandInParameterSet.Way {
        let given = Set(call.named.keys).subtracting(StandInParameterSet.common)
        let known = sets.reduce(into: Set<String>()) { $0.formUnion($1.all) }
        if let stranger = given.subtracting(known).min() {
            throw StandInRefusal(
                "A parameter cannot be found that matches parameter name '\(stranger)'.",
                id: "NamedParameterNotFound,\(cmdlet)")
        }
        guard let fitting = sets.first(where: { $0.takes(given) }) else {
            throw StandInRefusal(
                "Parameter set cannot be resolved using the specified named parameters. One or more parameters issued "
                    + "cannot be used together or an insufficient number of parameters were provided.",
                id: "AmbiguousParameterSet,\(cmdlet)")
        }
        for refusal in refusals where given.isSuperset(of: refusal.together) {
            throw StandInRefusal(refusal.message, id: "\(cmdlet)Refused")
        }
        if fitting.way == .tokens, let why = check(call) { throw StandInRefusal(why, id: "\(cmdlet)Refused") }
        return fitting.way
    }
}

/// A parameter set of a connect cmdlet.
struct StandInParameterSet: Sendable {
    /// How a call with it signs in.
    enum Way: Sendable {
        case tokens, device, app
    }

    let way: Way
    private let needed: Set<String>
    fileprivate let all: Set<String>

    /// Parameters of every cmdlet.
    static let common: Set<String> = [
        "erroraction", "warningaction", "informationaction", "verbose", "debug", "errorvariable", "warningvariable",
        "whatif", "confirm", "progressaction", "outvariable", "outbuffer", "pipelinevariable",
    ]

    /// A set from its parameters, with a star behind each that is needed.
    init(_ way: Way, _ parameters: String) {
        self.way = way
        let words = parameters.lowercased().split(separator: " ")
        needed = Set(words.filter { $0.hasSuffix("*") }.map { String($0.dropLast()) })
        all = Set(words.map { String($0.hasSuffix("*") ? $0.dropLast() : $0) })
    }

    /// Returns whether a call with these parameters binds.
    func takes(_ given: Set<String>) -> Bool { given.isSubset(of: all) && needed.isSubset(of: given) }
}

/// A request that a module sends beside its work, when it is loaded or connects.
struct StandInAside: Sendable {
    /// The address, of a host outside the tenant.
    let address: String
    /// An environment variable that switches it off, with its value.
    var variable: (name: String, value: String)?
    /// A setting of `Update-AzConfig` that switches it off, with its value.
    var setting: (name: String, value: Bool)?
}
