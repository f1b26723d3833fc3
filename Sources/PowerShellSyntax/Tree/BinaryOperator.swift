/// An operator between two operands.
/// Raw values are the names of the engine's token kinds.
public enum BinaryOperator: String, Sendable, CaseIterable {
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
    /// `-eq`, minding case.
    case ceq = "Ceq"
    /// `-ne`, minding case.
    case cne = "Cne"
    /// `-ge`, minding case.
    case cge = "Cge"
    /// `-gt`, minding case.
    case cgt = "Cgt"
    /// `-lt`, minding case.
    case clt = "Clt"
    /// `-le`, minding case.
    case cle = "Cle"
    /// `-like`, minding case.
    case clike = "Clike"
    /// `-notlike`, minding case.
    case cnotlike = "Cnotlike"
    /// `-match`, minding case.
    case cmatch = "Cmatch"
    /// `-notmatch`, minding case.
    case cnotmatch = "Cnotmatch"
    /// `-replace`, minding case.
    case creplace = "Creplace"
    /// `-contains`, minding case.
    case ccontains = "Ccontains"
    /// `-notcontains`, minding case.
    case cnotcontains = "Cnotcontains"
    /// `-in`, minding case.
    case cin = "Cin"
    /// `-notin`, minding case.
    case cnotin = "Cnotin"
    /// `-split`, minding case.
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
