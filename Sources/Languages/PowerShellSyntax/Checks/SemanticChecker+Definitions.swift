extension SemanticChecker {
    mutating func visit(_ node: TypeDefinitionSyntax) throws(Fault) {
        let outer = context
        let inner = TypeScope(parent: shared.value.types, isInDefinition: true)
        context.types = inner
        let known = node.kind == .enum ? KnownTypes.enumAttributes : KnownTypes.classAttributes
        for attribute in node.attributes {
            // What other attributes require of a type is known only from their own definitions.
            guard
                let form = known.first(where: { isKnownAttribute(attribute, [$0.name]) }),
                form.positional.contains(attribute.positionalArguments.count)
            else { throw Fault(id: "CustomAttributeTypeNotFound", extent: attribute.typeName.extent) }
            try checkAttributeArguments(attribute, allowsScriptBlocks: false)
            for argument in attribute.namedArguments where !form.named.contains(ASCIIFold.lowercased(argument.name)) {
                throw Fault(id: "PropertyNotFoundForAttribute", extent: argument.extent)
            }
        }
        for member in node.members.reversed() { push(.member(member, node)) }
        for type in node.baseTypes { try checkType(type.typeName) }
        context = outer
    }

    mutating func visit(_ member: MemberSyntax, of type: TypeDefinitionSyntax) throws(Fault) {
        switch member {
        case .property(let property):
            try checkPropertyAttributes(property.attributes)
            if let constraint = property.type {
                try checkType(constraint.typeName)
                if KnownTypes.isVoid(constraint.typeName) {
                    throw Fault(id: "TypeNotAllowedForProperty", extent: constraint.extent)
                }
            }
            context.member = MemberFrame(isStatic: property.isStatic, returnsVoid: nil, properties: [:])
            push(property.initialValue)
        case .method(let method): try visit(method, of: type)
        }
    }

    private mutating func checkPropertyAttributes(_ attributes: [AttributeSyntax]) throws(Fault) {
        for attribute in attributes {
            guard isKnownAttribute(attribute, KnownTypes.propertyAttributes) else {
                throw Fault(id: "CustomAttributeTypeNotFound", extent: attribute.typeName.extent)
            }
            try checkAttributeArguments(attribute, allowsScriptBlocks: false)
            let known: Set<String> = [
                "mandatory", "position", "helpmessage", "valuefrompipeline", "errormessage", "ignorecase", "key",
                "notconfigurable", "parametersetname", "valuefrompipelinebypropertyname", "valuefromremainingarguments",
            ]
            for argument in attribute.namedArguments where !known.contains(ASCIIFold.lowercased(argument.name)) {
                throw Fault(id: "PropertyNotFoundForAttribute", extent: argument.extent)
            }
        }
    }

    private mutating func visit(_ method: MethodMemberSyntax, of type: TypeDefinitionSyntax) throws(Fault) {
        if let attribute = method.attributes.first {
            throw Fault(id: "AttributeNotAllowedOnDeclaration", extent: attribute.extent)
        }
        let body = method.function.body
        if let block = body.parameterBlock { throw Fault(id: "ParamBlockNotAllowedInMethod", extent: block.extent) }
        if let block = body.namedBlocks.first { throw Fault(id: "NamedBlockNotAllowedInMethod", extent: block.extent) }
        if let constraint = method.returnType {
            if method.isConstructor { throw Fault(id: "ConstructorCantHaveReturnType", extent: constraint.extent) }
            try checkType(constraint.typeName)
        }
        try checkDuplicates(method.function.parameters)
        let returnsVoid = method.returnType.map { KnownTypes.isVoid($0.typeName) } ?? true
        if let fault = MethodFlow.check(method, returnsVoid: returnsVoid) { throw fault }
        var properties: [String: Bool] = [:]
        for case .property(let property) in type.members { properties[CaseFold.key(property.name)] = property.isStatic }
        context.member = MemberFrame(isStatic: method.isStatic, returnsVoid: returnsVoid, properties: properties)
        context.flow = nil
        context.labels = nil
        context.isInMethod = true
        push(.scriptBlock(body))
        context.isMethodParameter = true
        for parameter in method.function.parameters.reversed() { push(.parameter(parameter)) }
    }
}
