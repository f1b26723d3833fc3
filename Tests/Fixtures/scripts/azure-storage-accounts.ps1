Import-Module Az.Storage
Login-AzAccount -Tenant contoso-sandbox.example
Get-AzStorageAccount | Select-Object StorageAccountName, EnableHttpsTrafficOnly | Export-Csv storage.csv
