import Glibc
package import MMCore
import MMSystem
import ShellSyntax

/// Programs that may be run without any shell, each with the arguments that it may receive: the profile `argv`.
///
/// It is a security boundary for what it admits: no word is expanded, looked up or substituted, and the file that was
/// checked is the one that runs. It doesn't restrict what an admitted program does.
package struct ArgumentPolicy: Sendable, Hashable {
    /// A pattern for an argument.
    package enum Pattern: Sendable, Hashable {
        /// Exactly this word.
        case word(String)
        /// Anything with this prefix.
        case prefix(String)
        /// A path below this folder after resolving all links, whether or not it exists.
        case path(below: String)
        /// Anything that doesn't begin with a dash.
        case operand
        /// Anything.
        case any
    }

    /// A program and its arguments.
    package struct Program: Sendable, Hashable {
        /// Its absolute path.
        package var path: String
        /// The patterns that the arguments may match, in any order and number.
        package var arguments: [Pattern]

        /// Creates a program.
        package init(_ path: String, arguments: [Pattern]) {
            self.path = path
            self.arguments = arguments
        }
    }

    /// The programs, keyed by the name that callers use.
    package var programs: [String: Program]

    /// Creates a policy.
    package init(_ programs: [String: Program]) { self.programs = programs }

    /// What it protects and what it doesn't, for help texts and answers.
    package static let label =
        "argv: no shell. Only the listed programs run, with the arguments that their lists allow. The boundary is "
        + "as strong as the listed programs."

    /// Checks a list of words.
    /// - Parameter directory: where the program would run, for relative paths among the arguments.
    /// - Returns: the path of the program.
    /// - Throws: `.denied`, naming the word.
    package func check(_ words: [String], directory: String) throws(MMError) -> String {
        guard let name = words.first, let program = programs[name] else {
            throw Self.denied(
                "“\(words.first ?? "")” is not one of the allowed programs",
                "Allowed programs: \(programs.keys.sorted().joined(separator: ", ")).")
        }
        guard program.path.hasPrefix("/") else {
            throw Self.denied("“\(name)” has no absolute path", "Correct the policy.")
        }
        for word in words.dropFirst() {
            guard !word.utf8.contains(0), program.arguments.contains(where: { Self.admits($0, word, directory) }) else {
                throw Self.denied(
                    "“\(word)” isn't an allowed argument of \(name)", "Leave it out, or ask the owner to allow it.")
            }
        }
        return program.path
    }

    /// Splits a simple command into words; a shell would not have changed any of them.
    /// - Throws: `.denied` for anything but one simple command.
    package static func words(of command: String) throws(MMError) -> [String] {
        let script: ShellScript
        do throws(ShellRefusal) { script = try ShellScript.parse(command) } catch {
            throw denied("the command contains \(error)", "Use one program with its arguments.")
        }
        guard script.commands.count == 1, let only = script.commands.first, only.redirections.isEmpty,
            only.words.allSatisfy(\.isLiteral)
        else { throw denied("it is more than one program with its arguments", "Use one program; there is no shell.") }
        return only.words.map(\.value)
    }

    /// Runs an admitted program.
    /// - Throws: `.denied`, or the error of running it.
    package func run(
        _ words: [String], directory: String, environment: [String: String], limit: Int = 1 << 20, timeout: Duration
    ) async throws(MMError) -> (code: Int32, stdout: [UInt8], stderr: [UInt8], isCut: Bool) {
        let path = try check(words, directory: directory)
        var command = ChildCommand(path, Array(words.dropFirst()), environment: environment, directory: directory)
        command.limits = [ChildCommand.Limit(resource: Int32(RLIMIT_CORE.rawValue), value: 0)]
        let outcome = try await ChildProcess.run(command, limit: limit, timeout: timeout)
        return (outcome.exit.code, outcome.output, outcome.error, outcome.isCut)
    }

    private static func admits(_ pattern: Pattern, _ word: String, _ directory: String) -> Bool {
        switch pattern {
        case .word(let text): word == text
        case .prefix(let text): word.hasPrefix(text)
        case .path(let root):
            !word.hasPrefix("-") && !word.isEmpty
                && (RealPath.of(word.hasPrefix("/") ? word : directory + "/" + word)
                    == RealPath.of(root)
                    && RealPath.of(root) != nil
                    || ShellPolicy.isInside(word.hasPrefix("/") ? word : directory + "/" + word, root))
        case .operand: !word.hasPrefix("-")
        case .any: true
        }
    }

    private static func denied(_ reason: String, _ hint: String) -> MMError {
        MMError(.denied, "Security validation failed: \(reason).", hint: hint, details: ["rule": "argv"])
    }
}
