/// A command: name, parameters and arguments.
package final class CommandSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// `&` or `.` before the name.
    package let invocation: InvocationOperator?
    /// The name followed by parameters and arguments in order; at least one element.
    package let elements: [CommandElementSyntax]
    /// The redirections, at most one per stream, in the order of the streams.
    package let redirections: [RedirectionSyntax]

    init(
        extent: SourceExtent,
        invocation: InvocationOperator?,
        elements: [CommandElementSyntax],
        redirections: [RedirectionSyntax]
    ) {
        self.extent = extent
        self.invocation = invocation
        self.elements = elements
        self.redirections = redirections
    }

    /// The name if the text alone determines it: a bare word or a constant string in first place.
    package var constantName: String? {
        guard case .argument(.string(let name)) = elements.first else { return nil }
        return name.value
    }
}

/// An element of a command.
package enum CommandElementSyntax: Sendable {
    /// `-Name`, `-Name:value` or `--`.
    case parameter(CommandParameterSyntax)
    /// The command name, an argument or a splatted variable.
    case argument(ExpressionSyntax)

    /// The node's extent in the source.
    @inline(never)
    package var extent: SourceExtent {
        switch self {
        case .parameter(let node): node.extent
        case .argument(let node): node.extent
        }
    }
}

/// `-Name`, `-Name:value`, or the `--` that ends parameters.
package final class CommandParameterSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The name as written, without its dash and colon; `-` for `--`. It may be abbreviated.
    package let name: String
    /// The value after the colon.
    package let argument: ExpressionSyntax?
    /// The extent of the parameter itself, including its dash and colon.
    package let nameExtent: SourceExtent

    init(extent: SourceExtent, name: String, argument: ExpressionSyntax?, nameExtent: SourceExtent) {
        self.extent = extent
        self.name = name
        self.argument = argument
        self.nameExtent = nameExtent
    }
}

/// A redirection.
package enum RedirectionSyntax: Sendable {
    /// To a file.
    case file(FileRedirectionSyntax)
    /// To another stream.
    case merging(MergingRedirectionSyntax)

    /// The node's extent in the source.
    @inline(never)
    package var extent: SourceExtent {
        switch self {
        case .file(let node): node.extent
        case .merging(let node): node.extent
        }
    }
}

/// `n>target` or `n>>target`.
package final class FileRedirectionSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The redirected stream.
    package let stream: RedirectionStream
    /// The target: any single argument, which may be dynamic.
    package let target: ExpressionSyntax
    /// Whether it is written with `>>`.
    package let isAppending: Bool

    init(extent: SourceExtent, stream: RedirectionStream, target: ExpressionSyntax, isAppending: Bool) {
        self.extent = extent
        self.stream = stream
        self.target = target
        self.isAppending = isAppending
    }
}

/// `n>&1`.
package final class MergingRedirectionSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The redirected stream.
    package let from: RedirectionStream

    init(extent: SourceExtent, from: RedirectionStream) {
        self.extent = extent
        self.from = from
    }
}

extension RedirectionSyntax {
    /// The redirected stream.
    package var stream: RedirectionStream {
        switch self {
        case .file(let file): file.stream
        case .merging(let merging): merging.from
        }
    }
}

/// The operator before the name of a command.
package enum InvocationOperator: String, Sendable {
    /// `&`: runs the command in a scope of its own.
    case call = "&"
    /// `.`: runs the command in the scope of the caller.
    case dot = "."
}

/// The operator between two pipelines.
package enum ChainOperator: String, Sendable {
    /// `&&`: the right pipeline runs if the left one succeeded.
    case and = "&&"
    /// `||`: the right pipeline runs if the left one failed.
    case or = "||"
}

/// A stream of a command. Raw values are the numbers used in redirections, where 0 stands for `*`.
package enum RedirectionStream: Int, Sendable {
    /// Every stream.
    case all = 0
    /// Output objects.
    case output = 1
    /// Errors.
    case error = 2
    /// Warnings.
    case warning = 3
    /// Verbose messages.
    case verbose = 4
    /// Debug messages.
    case debug = 5
    /// Information messages.
    case information = 6
}

/// The flags of a `switch` statement.
package struct SwitchFlags: OptionSet, Sendable {
    /// The flags as bits, with the engine's values.
    package let rawValue: Int

    /// Creates a set of flags from its bits.
    package init(rawValue: Int) { self.rawValue = rawValue }

    /// `-file`: compares the lines of a file.
    package static let file = SwitchFlags(rawValue: 1)
    /// `-regex`: conditions are regular expressions.
    package static let regex = SwitchFlags(rawValue: 2)
    /// `-wildcard`: conditions are wildcard patterns.
    package static let wildcard = SwitchFlags(rawValue: 4)
    /// `-exact`: conditions are compared literally (the default).
    package static let exact = SwitchFlags(rawValue: 8)
    /// `-casesensitive`: comparison is case-sensitive.
    package static let caseSensitive = SwitchFlags(rawValue: 16)
    /// `-parallel`: reserved; a script that uses it doesn't parse.
    static let parallel = SwitchFlags(rawValue: 32)

    /// The names of the set flags joined by `, `, as the engine prints them; `None` for an empty set.
    package var names: String {
        let all: [(SwitchFlags, String)] = [
            (.file, "File"), (.regex, "Regex"), (.wildcard, "Wildcard"), (.exact, "Exact"),
            (.caseSensitive, "CaseSensitive"),
        ]
        let set = all.filter { contains($0.0) }.map(\.1)
        return set.isEmpty ? "None" : set.joined(separator: ", ")
    }
}

/// How a string is written whose parts are evaluated.
package enum StringStyle: Sendable {
    /// A word without quotes.
    case bareWord
    /// `"…"`.
    case doubleQuoted
    /// `@"…"@`.
    case doubleQuotedHere
}

/// One or more elements joined by `|`.
package final class PipelineSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The elements in order, at least one; only the first can be an expression.
    package let elements: [PipelineElementSyntax]
    /// Whether the pipeline ends with `&` and runs as a background job.
    package let isBackground: Bool

    init(extent: SourceExtent, elements: [PipelineElementSyntax], isBackground: Bool) {
        self.extent = extent
        self.elements = elements
        self.isBackground = isBackground
    }
}

/// An element of a pipeline.
package enum PipelineElementSyntax: Sendable {
    /// A command.
    case command(CommandSyntax)
    /// An expression.
    case expression(CommandExpressionSyntax)

    /// The node's extent in the source.
    @inline(never)
    package var extent: SourceExtent {
        switch self {
        case .command(let node): node.extent
        case .expression(let node): node.extent
        }
    }
}

/// An expression as a pipeline element.
package final class CommandExpressionSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The expression.
    package let expression: ExpressionSyntax
    /// The redirections, at most one per stream, in the order of the streams.
    package let redirections: [RedirectionSyntax]

    init(extent: SourceExtent, expression: ExpressionSyntax, redirections: [RedirectionSyntax]) {
        self.extent = extent
        self.expression = expression
        self.redirections = redirections
    }
}

/// Pipelines joined by `&&` and `||`, evaluated from left to right.
package final class PipelineChainSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The pipelines, at least two.
    package let pipelines: [PipelineSyntax]
    /// The operators between the pipelines, one fewer than pipelines.
    package let operators: [ChainOperator]
    /// Whether the chain ends with `&` and runs as a background job.
    package let isBackground: Bool

    init(extent: SourceExtent, pipelines: [PipelineSyntax], operators: [ChainOperator], isBackground: Bool) {
        self.extent = extent
        self.pipelines = pipelines
        self.operators = operators
        self.isBackground = isBackground
    }
}

/// A word after a command's name, as binding treats it.
package enum CommandWord {
    /// `-Name` or `-Name:value`.
    case name(CommandParameterSyntax)
    /// A value that looks like a parameter, because it follows `--`.
    case text(CommandParameterSyntax)
    /// A value.
    case value(ExpressionSyntax)
    /// `@name`, which stands for names and values, or for values alone.
    case splat(VariableExpressionSyntax)
}

extension CommandSyntax {
    /// The words after the name, in order.
    package var words: [CommandWord] {
        var words: [CommandWord] = []
        words.reserveCapacity(elements.count)
        var takesNames = true
        for element in elements.dropFirst() {
            switch element {
            case .argument(.variable(let variable)) where variable.isSplatted: words.append(.splat(variable))
            case .argument(let value): words.append(.value(value))
            case .parameter(let parameter) where !takesNames: words.append(.text(parameter))
            case .parameter(let parameter) where parameter.name == "-": takesNames = false
            case .parameter(let parameter): words.append(.name(parameter))
            }
        }
        return words
    }
}
