# The part of workerd's bundle format that a Pyodide bundle uses. Field numbers are workerd's.
@0xbd1f1f2c8a5d7e31;

struct Bundle {
  modules @0 :List(Module);
}

struct Module {
  name @0 :Text;
  union {
    src @1 :Data;
    wasm @4 :Data;
    data @5 :Data;
    json @6 :Text;
  }
  type @2 :Type;
  tsDeclaration @3 :Text;
  compileCache @7 :Data;

  enum Type {
    bundle @0;
    builtin @1;
    internal @2;
  }
}
