/// The kinds of tokens.
enum TokenKind: UInt8 {
    case unknown, variable, splattedVariable, parameter, number, label, identifier, generic
    case newLine, endOfInput
    case stringLiteral, stringExpandable, hereStringLiteral, hereStringExpandable
    case lParen, rParen, lCurly, rCurly, lBracket, rBracket, atParen, atCurly, dollarParen
    case semi, andAnd, orOr, ampersand, pipe, comma
    case minusMinus, plusPlus, dotDot, colonColon, dot, exclaim
    case multiply, divide, rem, plus, minus
    case equals, plusEquals, minusEquals, multiplyEquals, divideEquals, remainderEquals, questionQuestionEquals
    case redirection, mergingRedirection, redirectInput
    case format, not, bnot, and, or, xor, band, bor, bxor, join
    case ieq, ine, ige, igt, ilt, ile, ilike, inotlike, imatch, inotmatch, ireplace
    case icontains, inotcontains, iin, inotin, isplit
    case ceq, cne, cge, cgt, clt, cle, clike, cnotlike, cmatch, cnotmatch, creplace
    case ccontains, cnotcontains, cin, cnotin, csplit
    case isType, isNotType, asType, shl, shr
    case colon, questionMark, questionQuestion, questionDot, questionLBracket
    // Keywords from here on.
    case begin, process, end, clean, dynamicparam
    case `break`, `continue`, `data`, define, `do`, exit, filter, `for`, foreach, from, function, `if`, `return`
    case `switch`, `throw`, trap, `try`, using, `var`, `while`, workflow, parallel, sequence
    case `catch`, `class`, `else`, elseif, finally, `in`, param, until, configuration, `public`, `private`
    case `static`, interface, `enum`, namespace, module, type, assembly, command, hidden, base, `default`

    /// Whether the kind is a keyword where keywords count.
    var isKeyword: Bool { rawValue >= TokenKind.begin.rawValue }

    /// Whether the keyword opens a named block at the start of a body.
    var isBlockName: Bool { rawValue >= TokenKind.begin.rawValue && rawValue <= TokenKind.dynamicparam.rawValue }

    /// Whether the kind is a keyword statement that attributes can't precede.
    var refusesAttributes: Bool {
        rawValue >= TokenKind.break.rawValue && rawValue <= TokenKind.sequence.rawValue
    }

    /// Whether the token is the same in command and expression mode, so that a change of mode doesn't require reading
    /// it again.
    var isModeInvariant: Bool {
        switch self {
        case .newLine, .endOfInput, .stringLiteral, .stringExpandable, .hereStringLiteral, .hereStringExpandable,
            .lParen, .rParen, .lCurly, .rCurly, .rBracket, .atParen, .atCurly, .dollarParen,
            .semi, .andAnd, .orOr, .ampersand, .pipe, .comma, .redirectInput:
            true
        default: false
        }
    }

    /// The binary operator and its precedence; higher values bind tighter.
    var binaryOperator: (op: BinaryOperator, precedence: Int)? {
        switch self {
        case .and: (.and, 1)
        case .or: (.or, 1)
        case .xor: (.xor, 1)
        case .band: (.band, 2)
        case .bor: (.bor, 2)
        case .bxor: (.bxor, 2)
        case .questionQuestion: (.questionQuestion, 7)
        case .plus: (.plus, 9)
        case .minus: (.minus, 9)
        case .multiply: (.multiply, 10)
        case .divide: (.divide, 10)
        case .rem: (.rem, 10)
        case .format: (.format, 12)
        case .dotDot: (.dotDot, 13)
        default: comparison.map { ($0, 5) }
        }
    }

    private var comparison: BinaryOperator? {
        switch self {
        case .ieq: .ieq
        case .ine: .ine
        case .ige: .ige
        case .igt: .igt
        case .ilt: .ilt
        case .ile: .ile
        case .ilike: .ilike
        case .inotlike: .inotlike
        case .imatch: .imatch
        case .inotmatch: .inotmatch
        case .ireplace: .ireplace
        case .icontains: .icontains
        case .inotcontains: .inotcontains
        case .iin: .iin
        case .inotin: .inotin
        case .isplit: .isplit
        case .ceq: .ceq
        case .cne: .cne
        case .cge: .cge
        case .cgt: .cgt
        case .clt: .clt
        case .cle: .cle
        case .clike: .clike
        case .cnotlike: .cnotlike
        case .cmatch: .cmatch
        case .cnotmatch: .cnotmatch
        case .creplace: .creplace
        case .ccontains: .ccontains
        case .cnotcontains: .cnotcontains
        case .cin: .cin
        case .cnotin: .cnotin
        case .csplit: .csplit
        case .isType: .is
        case .isNotType: .isNot
        case .asType: .as
        case .shl: .shl
        case .shr: .shr
        case .join: .join
        default: nil
        }
    }

    /// The unary operator, except the unary comma, which builds an array.
    var unaryOperator: UnaryOperator? {
        switch self {
        case .minusMinus: .minusMinus
        case .plusPlus: .plusPlus
        case .exclaim: .exclaim
        case .plus: .plus
        case .minus: .minus
        case .not: .not
        case .bnot: .bnot
        case .join: .join
        case .isplit: .isplit
        case .csplit: .csplit
        default: nil
        }
    }

    /// The assignment operator.
    var assignmentOperator: AssignmentOperator? {
        switch self {
        case .equals: .equals
        case .plusEquals: .plusEquals
        case .minusEquals: .minusEquals
        case .multiplyEquals: .multiplyEquals
        case .divideEquals: .divideEquals
        case .remainderEquals: .remainderEquals
        case .questionQuestionEquals: .questionQuestionEquals
        default: nil
        }
    }
}
