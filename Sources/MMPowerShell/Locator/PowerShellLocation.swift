/// The PowerShell that sessions run on, and why it was chosen.
public struct PowerShellLocation: Sendable, Hashable, CustomStringConvertible {
    /// Why it was chosen.
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
    /// Why it was chosen.
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
        case .searchPath: return "\(command) (found on PATH)"
        case .usualPlace: return "\(command) (found in a usual place)"
        case .named: return command
        }
    }
}
