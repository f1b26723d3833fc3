// This target is empty. It depends on the rooms that `MMOperations` calls, so that they are compiled before everything else.
