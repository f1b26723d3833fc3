public import MMCore
import MMSystem

/// Finds the PowerShell that sessions run on.
///
/// A variable that is set is decisive: a wrong value is an error, not a reason to search elsewhere. Otherwise the first
/// `pwsh` of the search path is used, then the usual installation folders. Its version is known from its greeting.
public struct PowerShellLocator: Sendable {
    private let environment: [String: String]
    private let isProgram: @Sendable (String) -> Bool

    /// The variables that name a PowerShell, in order of precedence.
    package static let variables = ["MM_PWSH", "PWSH_PATH"]

    /// Returns whether a variable names a PowerShell.
    package static func isNamed(in environment: [String: String]) -> Bool {
        variables.contains { !(environment[$0] ?? "").isEmpty }
    }

    /// Creates a locator.
    /// - Parameter environment: the variables; by default those of this process.
    public init(environment: [String: String] = ProcessEnvironment.read()) {
        self.init(environment: environment, isProgram: ExecutableSearch.isExecutable)
    }

    init(environment: [String: String], isProgram: @escaping @Sendable (String) -> Bool) {
        self.environment = environment
        self.isProgram = isProgram
    }

    /// Returns the PowerShell to use.
    /// - Throws: `unavailable` with all places that were searched and how to install one; `invalidInput` if a variable
    ///   doesn't name a program.
    public func locate() throws(MMError) -> PowerShellLocation {
        for variable in Self.variables {
            guard let value = environment[variable], !value.isEmpty else { continue }
            return try command(value, reason: .variable(variable))
        }
        for place in searchPath where isProgram(place) {
            return PowerShellLocation(program: place, reason: .searchPath)
        }
        for place in usualPlaces where isProgram(place) {
            return PowerShellLocation(program: place, reason: .usualPlace)
        }
        throw MMError(
            .unavailable, "PowerShell is not installed: pwsh is not in PATH and not in the usual folders.",
            hint: """
                Install PowerShell \(PowerShellVersion.minimum.major).\(PowerShellVersion.minimum.minor) or later \
                (https://learn.microsoft.com/powershell/scripting/install/installing-powershell-on-linux), \
                or set MM_PWSH to the program.
                """,
            details: ["looked": .array((searchPath + usualPlaces).map { .string($0) })])
    }

    /// Returns the program that a text refers to: a path, a name on the search path, or either of them followed by
    /// arguments.
    /// - Parameters:
    ///   - text: such as `/usr/bin/pwsh` or `mm sandbox pwsh`.
    ///   - reason: where the text comes from.
    /// - Throws: `invalidInput` if there is no such program.
    package func command(_ text: String, reason: PowerShellLocation.Reason) throws(MMError) -> PowerShellLocation {
        guard !text.utf8.contains(0) else {
            throw MMError(.invalidInput, "The PowerShell command contains a NUL character.")
        }
        let expanded = text.hasPrefix("~/") ? (environment["HOME"] ?? "") + text.dropFirst() : text
        if let program = program(expanded) { return PowerShellLocation(program: program, reason: reason) }
        let words = Self.words(expanded)
        if words.count > 1, let program = program(words[0]) {
            return PowerShellLocation(program: program, arguments: Array(words.dropFirst()), reason: reason)
        }
        let source =
            switch reason {
            case .variable(let name): "\(name) is “\(text)”"
            case .named, .searchPath, .usualPlace: "“\(text)” was given"
            }
        throw MMError(
            .invalidInput, "\(source), which isn't an executable program.",
            hint: "Use the path of pwsh, or leave it out to search PATH and the usual folders.")
    }

    private func program(_ name: String) -> String? {
        guard !name.isEmpty else { return nil }
        if name.contains("/") {
            let path = name.hasPrefix("/") ? name : (ThisProcess.workingDirectory ?? "") + "/" + name
            return isProgram(path) ? path : nil
        }
        return folders.map { $0 + "/" + name }.first(where: isProgram)
    }

    private var folders: [String] {
        // An empty entry means the working folder, where anybody could have put a program.
        ExecutableSearch.path(of: environment).split(separator: ":").map(String.init).filter { $0.hasPrefix("/") }
    }

    private var searchPath: [String] { folders.map { $0 + "/pwsh" } }

    private var usualPlaces: [String] {
        var places = [
            "/usr/bin/pwsh", "/usr/local/bin/pwsh", "/opt/microsoft/powershell/7/pwsh",
            "/opt/microsoft/powershell/7-lts/pwsh", "/opt/microsoft/powershell/7-preview/pwsh", "/snap/bin/pwsh",
            "/opt/homebrew/bin/pwsh",
        ]
        if let home = environment["HOME"], home.hasPrefix("/") {
            places += ["/.dotnet/tools/pwsh", "/.local/bin/pwsh", "/powershell/pwsh"].map { home + $0 }
        }
        return places
    }

    /// Splits a command line into words; quotes keep spaces together.
    static func words(_ text: String) -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        for letter in text {
            if let open = quote {
                if letter == open { quote = nil } else { word = (word ?? "") + String(letter) }
            } else if letter == "\"" || letter == "'" {
                quote = letter
                word = word ?? ""
            } else if letter.isWhitespace {
                if let done = word { words.append(done) }
                word = nil
            } else {
                word = (word ?? "") + String(letter)
            }
        }
        if let word { words.append(word) }
        return words
    }
}

/// The PowerShell that sessions run on, and why it was chosen.
public struct PowerShellLocation: Sendable, Hashable, CustomStringConvertible {
    /// The reason why it was chosen.
    package enum Reason: Sendable, Hashable {
        /// A variable names it.
        case variable(String)
        /// It is on the search path.
        case searchPath
        /// It is in a usual installation folder.
        case usualPlace
        /// A caller named it.
        case named
    }

    /// The program.
    public let program: String
    /// Arguments that precede those of a session; empty for pwsh.
    public let arguments: [String]
    /// The reason why it was chosen.
    package let reason: Reason

    /// Creates a location.
    /// - Parameters:
    ///   - program: the program's absolute path.
    ///   - arguments: arguments that precede those of a session.
    ///   - reason: why it was chosen.
    package init(program: String, arguments: [String] = [], reason: Reason) {
        self.program = program
        self.arguments = arguments
        self.reason = reason
    }

    /// The program and why it was chosen, for people.
    public var description: String {
        let command = ([program] + arguments).joined(separator: " ")
        switch reason {
        case .variable(let name): return "\(command) (from \(name))"
        case .searchPath: return "\(command) (found in PATH)"
        case .usualPlace: return "\(command) (found in a usual folder)"
        case .named: return command
        }
    }
}

/// A version of PowerShell, such as `7.4.6` or `7.6.0-preview.2`.
package struct PowerShellVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The first number.
    package let major: Int
    /// The second number.
    package let minor: Int
    /// The third number.
    package let patch: Int
    /// The part after a dash; empty for released versions.
    package let label: String

    /// The oldest supported version.
    package static let minimum = PowerShellVersion(major: 7, minor: 4, patch: 0)

    /// Creates a version from three numbers.
    private init(major: Int, minor: Int, patch: Int, label: String = "") {
        self.major = major
        self.minor = minor
        self.patch = patch
        self.label = label
    }

    /// Reads a version, also from the line that `pwsh --version` prints.
    package init?(parsing text: String) {
        var word = text.split(whereSeparator: \.isWhitespace).last.map(String.init) ?? ""
        var label = ""
        if let dash = word.firstIndex(where: { $0 == "-" || $0 == "+" }) {
            label = String(word[word.index(after: dash)...])
            word = String(word[..<dash])
        }
        let parts = word.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
        guard (2...4).contains(parts.count), let major = parts[0], let minor = parts[1], major >= 0, minor >= 0 else {
            return nil
        }
        guard let patch = parts.count > 2 ? parts[2] : 0, patch >= 0 else { return nil }
        self.init(major: major, minor: minor, patch: patch, label: label)
    }

    /// Compares two versions by their numbers; a labelled version precedes the released one with the same numbers.
    package static func < (left: PowerShellVersion, right: PowerShellVersion) -> Bool {
        let numbers = (left.major, left.minor, left.patch)
        let others = (right.major, right.minor, right.patch)
        if numbers != others { return numbers < others }
        if left.label.isEmpty || right.label.isEmpty { return !left.label.isEmpty && right.label.isEmpty }
        return left.label < right.label
    }

    /// The version in PowerShell's notation.
    package var description: String { "\(major).\(minor).\(patch)" + (label.isEmpty ? "" : "-\(label)") }
}
