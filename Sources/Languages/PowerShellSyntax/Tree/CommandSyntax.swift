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
    /// The stream that receives it, always the output stream.
    package let to: RedirectionStream

    init(extent: SourceExtent, from: RedirectionStream, to: RedirectionStream) {
        self.extent = extent
        self.from = from
        self.to = to
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
