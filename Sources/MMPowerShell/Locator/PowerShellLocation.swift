/// The PowerShell that sessions run on, and why this one.
public struct PowerShellLocation: Sendable, Hashable, CustomStringConvertible {
    /// Why it was taken.
    public enum Reason: Sendable, Hashable {
        /// A variable names it.
        case variable(String)
        /// It is on the search path.
        case searchPath
        /// It lies where installers put it.
        case usualPlace
        /// A caller named it.
        case named
    }

    /// The program.
    public let program: String
    /// Arguments in front of those of a session; empty for a pwsh.
    public let arguments: [String]
    /// Why it was taken.
    public let reason: Reason

    /// A location.
    /// - Parameters:
    ///   - program: the program's absolute path.
    ///   - arguments: arguments in front of those of a session.
    ///   - reason: why it was taken.
    public init(program: String, arguments: [String] = [], reason: Reason) {
        self.program = program
        self.arguments = arguments
        self.reason = reason
    }

    /// The program and why it was taken, for people.
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
