/// Properties and elements of values.
enum Members {
    /// Returns `value.name`.
    static func property(_ value: PSValue, _ name: String) throws(Interrupt) -> PSValue {
        if let own = try ownProperty(value, name) { return own }
        if case .array(let items) = value {
            var found: [PSValue] = []
            for item in items {
                switch item {
                case .object(let object) where XMLNode.isNode(object):
                    if let own = try XMLNode.property(object, name) { flatten(own, into: &found) }
                case .object(let object):
                    guard (object.isOfScript || object.isEntry) && object.isListable || object[name] != nil else {
                        throw .handOver("a member of each")
                    }
                    flatten(object.read(name) ?? .null, into: &found)
                case .array: throw .handOver("a member of lists in a list")
                default:
                    if let own = try ownProperty(item, name) { flatten(own, into: &found) }
                }
            }
            return found.isEmpty ? .null : .collapsed(found)
        }
        return .null
    }

    private static func flatten(_ value: PSValue, into found: inout [PSValue]) {
        if case .array(let items) = value { found += items } else if !value.isNothing { found.append(value) }
    }

    /// Returns the value's own property; `nil` if it has none with that name.
    static func ownProperty(_ value: PSValue, _ name: String) throws(Interrupt) -> PSValue? {
        if case .object(let object) = value {
            if let found = object.read(name) { return found }
            guard object.isOfScript else {
                if let found = try TextBuilder.property(object, name) { return found }
                let own = PSStopwatch.property(object, name) ?? StreamedText.property(object, name)
                if let own { return own }
                if XMLNode.isNode(object) { return try XMLNode.property(object, name) }
                if object.isListable, !isIntrinsic(name) { return nil }
                if let layout = object.formatted {
                    if ["count", "length"].contains(name.lowercased()) {
                        return .int(Int32(truncatingIfNeeded: layout.records.count))
                    }
                    if !FormattedBlock.hasMember(name), !isIntrinsic(name) { return nil }
                }
                throw .handOver("a member of \(object.typeName)")
            }
            if !object.isListable, !isIntrinsic(name) { throw .handOver("a member of \(object.typeName)") }
        }
        let folded = name.lowercased()
        // Nothing has no view of its members either.
        if !value.isNull, folded.hasPrefix("ps"),
            ["psobject", "pstypenames", "psbase", "psadapted", "psextended"].contains(folded)
        {
            throw .handOver("a member of the shell's own")
        }
        switch value {
        case .null, .nothing: return folded == "count" || folded == "length" ? .int(0) : .null
        case .string(let text):
            if folded == "length" {
                return .int(Int32(truncatingIfNeeded: text.utf16.count))
            }
            if folded == "chars" { throw .handOver("Chars") }
            if isOfLines(folded) { throw .handOver("what a line of a file says of itself") }
            // Exchange's sizes have a type with a `Value` property.
            if folded == "value", ByteSize.bytes(of: text) != nil { return value }
            // So have its identifiers, whose `Guid` is their text.
            if folded == "guid", Conversion.guid(text) == text.lowercased() { return value }
        case .array(let items):
            switch folded {
            case "count", "length": return .int(Int32(truncatingIfNeeded: items.count))
            case "longlength": return .long(Int64(items.count))
            case "rank": return .int(1)
            case "isreadonly", "issynchronized": return .bool(false)
            case "isfixedsize": return .bool(true)
            case "syncroot": throw .handOver("a member of an array")
            default: return nil
            }
        case .table(let table):
            if let found = table[name] { return found }
            switch folded {
            case "count": return .int(Int32(truncatingIfNeeded: table.count))
            case "keys", "values":
                guard table.hasCertainOrder else { throw .handOver("a hashtable without a defined order") }
                return .array(table.entries.map { folded == "keys" ? $0.key : $0.value })
            // A hashtable has no length; like any single object it reports 1.
            case "length": return .int(1)
            case "isreadonly", "isfixedsize", "issynchronized", "syncroot", "item":
                throw .handOver("a member of a table")
            default: return nil
            }
        case .date(let date):
            let at = date.parts
            switch folded {
            case "year": return .int(Int32(at.year))
            case "month": return .int(Int32(at.month))
            case "day": return .int(Int32(at.day))
            case "hour": return .int(Int32(at.hour))
            case "minute": return .int(Int32(at.minute))
            case "second": return .int(Int32(at.second))
            case "millisecond": return .int(Int32(at.fraction / 10_000))
            case "microsecond": return .int(Int32(at.fraction / 10 % 1000))
            case "nanosecond": return .int(Int32(at.fraction % 10 * 100))
            case "dayofyear":
                let start = PSDate(at.year, 1, 1)?.ticks ?? 0
                return .int(Int32(truncatingIfNeeded: (date.ticks - start) / PSSpan.day + 1))
            case "dayofweek": return .enumeration(PSEnum(.dayOfWeek, Int32(date.weekday)))
            case "kind":
                let place: Int32 = date.kind == .unspecified ? 0 : date.kind == .utc ? 1 : 2
                return .enumeration(PSEnum(.dateTimeKind, place))
            case "date": return .date(PSDate(ticks: date.ticks - date.ticks % PSSpan.day, kind: date.kind))
            case "timeofday": return .span(date.ticks % PSSpan.day)
            case "ticks": return .long(date.ticks)
            case "count", "length": return .int(1)
            // A property of the shell, not of .NET: the long form of date and time.
            case "datetime": return date.formatted("F").map { .string($0) }
            case "displayhint": throw .handOver("a member of a date")
            default: return nil
            }
        case .span(let ticks):
            if let found = PSSpan.property(ticks, folded) { return found }
        case .guid(let text):
            if folded == "guid" { return .string(text) }
            if folded == "variant" || folded == "version" { throw .handOver("a member of a GUID") }
        case .version(let parts):
            func part(_ place: Int) -> PSValue { .int(place < parts.count ? parts[place] : -1) }
            switch folded {
            case "major": return part(0)
            case "minor": return part(1)
            case "build": return part(2)
            case "revision": return part(3)
            case "majorrevision", "minorrevision": throw .handOver("a member of a version")
            default: break
            }
        case .enumeration(let own):
            if folded == "value__" { return .int(own.value) }
        case .typeInfo(let full):
            switch folded {
            case "name":
                return .string(String(full.split(separator: ".").last ?? ""))
            case "fullname":
                guard !full.hasSuffix("Dictionary`2") else { throw .handOver("the type of a dictionary") }
                return .string(full)
            default:
                guard let found = TypeMembers.property(of: full, folded) else { throw .handOver("a member of a type") }
                return found
            }
        case .ownType(let type):
            guard let found = EnumMembers.property(of: type, name) else { throw .handOver("a member of a type") }
            return found
        case .type(let type):
            guard let full = NamedType.fullName(of: type) else { throw .handOver("a member of \(value.typeName)") }
            return try ownProperty(.typeInfo(full), name)
        case .block: throw .handOver("a member of \(value.typeName)")
        case .decimal:
            if folded == "scale" { throw .handOver("a member of a decimal") }
        case .list: throw .handOver("a member of a list")
        case .bool where folded == "ispresent": throw .handOver("what may be a switch")
        case .bool, .byte, .int, .long, .double, .single, .char, .object: break
        }
        if folded == "count" || folded == "length" { return .int(1) }
        return nil
    }

    /// Returns whether lines of a file, unlike other texts, have a property with this lower-case name.
    static func isOfLines(_ name: String) -> Bool {
        ["readcount", "pspath", "psparentpath", "pschildname", "psdrive", "psprovider"].contains(name)
    }

    private static func isIntrinsic(_ name: String) -> Bool {
        let folded = name.lowercased()
        return folded == "count" || folded == "length" || folded.hasPrefix("ps")
    }

    /// The error of an index that is `$null`, of whatever value.
    static let nullIndex = NativeError(
        "NullArrayIndex", "Index operation failed; the array index evaluated to null.", isReadable: true)

    /// Returns `value[index]`.
    static func element(_ value: PSValue, _ index: PSValue) throws(Interrupt) -> PSValue {
        if case .null = value {
            throw .statement(NativeError("NullArray", "Cannot index into a null array.", isReadable: true))
        }
        if index.isNull { throw .statement(nullIndex) }
        if case .table(let table) = value {
            if case .int = index, table.isGeneric {
                // The type of its keys isn't kept.
                guard let found = table[index] else { throw .handOver("an index of a dictionary") }
                return found
            }
            if table.isOrdered, !table.isHashtable, case .int(let number) = index {
                guard number >= 0, number < table.count else { throw .handOver("an index of a table") }
                return table.value(at: Int(number))
            }
            // Several keys give several values, as several indexes of a list do.
            if case .array(let keys) = index,
                keys.allSatisfy({ if case .string(let key) = $0 { key.isPlain } else { false } })
            {
                return .array(keys.map { table[$0] ?? .null })
            }
            guard PSTable.accepts(index) else { throw .handOver("an index of a table") }
            return table[index] ?? .null
        }
        switch value {
        case .bool, .int, .long, .double, .single, .byte, .decimal, .date, .span, .guid, .char:
            return try ofOne(value, index)
        case .object(let object) where object.isOfScript || object.isRow: return try ofOne(value, index)
        default: break
        }
        if case .array(let places) = index {
            var found: [PSValue] = []
            for place in places {
                guard let item = try self.place(value, at: place) else { continue }
                found.append(item)
            }
            return .array(found)
        }
        return try place(value, at: index) ?? .null
    }

    /// Returns the element of a value that has none: itself as its first or last one, otherwise no output.
    private static func ofOne(_ value: PSValue, _ index: PSValue) throws(Interrupt) -> PSValue {
        switch index {
        case .array: return .nothing
        case .int(let number): return number == 0 || number == -1 ? value : .nothing
        case .string, .long, .double, .bool:
            for place: Int32 in [0, -1] where try Comparison.equal(.int(place), index, ignoringCase: true) {
                return value
            }
            return .nothing
        default: throw .handOver("an index of \(value.typeName)")
        }
    }

    /// Returns the element at an index, counted from the end if negative; `nil` out of range, and for a text that is no
    /// number.
    private static func place(_ value: PSValue, at index: PSValue) throws(Interrupt) -> PSValue? {
        if case .array(let items) = value, case .string(let name) = index,
            let own = RegexObjects.group(name, among: items) ?? Evaluator.property(name, among: items)
        {
            return own
        }
        let number: Int32
        switch index {
        case .int(let given): number = given
        case .double, .string, .long, .bool:
            guard case .int(let given)? = try Conversion.converted(index, to: .int) else { return nil }
            number = given
        default: throw .handOver("an index that isn't an integer")
        }
        switch value {
        case .array(let items):
            let place = number < 0 ? items.count + Int(number) : Int(number)
            return items.indices.contains(place) ? items[place] : nil
        case .string(let text):
            let units = text.utf16
            let place = number < 0 ? units.count + Int(number) : Int(number)
            guard place >= 0, place < units.count else { return nil }
            return .char(units[units.index(units.startIndex, offsetBy: place)])
        default: throw .handOver("an index of \(value.typeName)")
        }
    }
}
