/// An operator between two operands. Raw values are the names of the engine's token kinds.
package enum BinaryOperator: String, Sendable, CaseIterable {
    /// `*`.
    case multiply = "Multiply"
    /// `/`.
    case divide = "Divide"
    /// `%`.
    case rem = "Rem"
    /// `+`.
    case plus = "Plus"
    /// `-`.
    case minus = "Minus"
    /// `..`.
    case dotDot = "DotDot"
    /// `-f`.
    case format = "Format"
    /// `-and`.
    case and = "And"
    /// `-or`.
    case or = "Or"
    /// `-xor`.
    case xor = "Xor"
    /// `-band`.
    case band = "Band"
    /// `-bor`.
    case bor = "Bor"
    /// `-bxor`.
    case bxor = "Bxor"
    /// `-join`.
    case join = "Join"
    /// `-eq`, ignoring case.
    case ieq = "Ieq"
    /// `-ne`, ignoring case.
    case ine = "Ine"
    /// `-ge`, ignoring case.
    case ige = "Ige"
    /// `-gt`, ignoring case.
    case igt = "Igt"
    /// `-lt`, ignoring case.
    case ilt = "Ilt"
    /// `-le`, ignoring case.
    case ile = "Ile"
    /// `-like`, ignoring case.
    case ilike = "Ilike"
    /// `-notlike`, ignoring case.
    case inotlike = "Inotlike"
    /// `-match`, ignoring case.
    case imatch = "Imatch"
    /// `-notmatch`, ignoring case.
    case inotmatch = "Inotmatch"
    /// `-replace`, ignoring case.
    case ireplace = "Ireplace"
    /// `-contains`, ignoring case.
    case icontains = "Icontains"
    /// `-notcontains`, ignoring case.
    case inotcontains = "Inotcontains"
    /// `-in`, ignoring case.
    case iin = "Iin"
    /// `-notin`, ignoring case.
    case inotin = "Inotin"
    /// `-split`, ignoring case.
    case isplit = "Isplit"
    /// `-eq`, case-sensitive.
    case ceq = "Ceq"
    /// `-ne`, case-sensitive.
    case cne = "Cne"
    /// `-ge`, case-sensitive.
    case cge = "Cge"
    /// `-gt`, case-sensitive.
    case cgt = "Cgt"
    /// `-lt`, case-sensitive.
    case clt = "Clt"
    /// `-le`, case-sensitive.
    case cle = "Cle"
    /// `-like`, case-sensitive.
    case clike = "Clike"
    /// `-notlike`, case-sensitive.
    case cnotlike = "Cnotlike"
    /// `-match`, case-sensitive.
    case cmatch = "Cmatch"
    /// `-notmatch`, case-sensitive.
    case cnotmatch = "Cnotmatch"
    /// `-replace`, case-sensitive.
    case creplace = "Creplace"
    /// `-contains`, case-sensitive.
    case ccontains = "Ccontains"
    /// `-notcontains`, case-sensitive.
    case cnotcontains = "Cnotcontains"
    /// `-in`, case-sensitive.
    case cin = "Cin"
    /// `-notin`, case-sensitive.
    case cnotin = "Cnotin"
    /// `-split`, case-sensitive.
    case csplit = "Csplit"
    /// `-is`.
    case `is` = "Is"
    /// `-isnot`.
    case isNot = "IsNot"
    /// `-as`.
    case `as` = "As"
    /// `-shl`.
    case shl = "Shl"
    /// `-shr`.
    case shr = "Shr"
    /// `??`.
    case questionQuestion = "QuestionQuestion"
}
