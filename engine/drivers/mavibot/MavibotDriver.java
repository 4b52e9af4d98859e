// The driver for Mavibot, Apache Directory's copy-on-write B-tree in Java. See ../README.md for the
// protocol.
//
// What the library throws is answered as an error, be it an exception or an Error: an application's
// thread would see the same. The driver adds no sync, no recovery and no repair.

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

public final class MavibotDriver {
  // A store that cannot be opened keeps its file open until it is collected.
  private static final int FAILED_OPENS_BEFORE_COLLECTION = 64;

  // Trees are a few levels deep; a damaged one may hold a cycle, which the inspector recurses into.
  private static final long STACK_BYTES = 1 << 20;

  private final InputStream in = new BufferedInputStream(System.in, 1 << 16);
  private final OutputStream out =
      new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16);
  private final ByteArrayOutputStream line = new ByteArrayOutputStream();

  private MavibotStore store;
  private List<byte[][]> changes;  // of the transaction, null when there is none
  private Exception failure;       // what went wrong in it: it must not be committed
  private boolean isOver;
  private int failedOpens;

  public static void main(String[] arguments) throws Exception {
    MavibotDriver driver = new MavibotDriver();
    while (!driver.isOver) {
      // The library counts nested transactions for each thread and not for each file. A thread for
      // each store, so that none of them inherits what another has left unfinished.
      Thread thread = new Thread(null, driver::serveOneStore, "store", STACK_BYTES);
      thread.start();
      thread.join();
    }
  }

  // Answers commands up to a close, to an open that fails, or to the end.
  private void serveOneStore() {
    try {
      boolean goesOn = true;
      while (goesOn) {
        String command = readLine();
        if (command == null) {
          isOver = true;
          return;
        }
        goesOn = answer(command.split(" ", -1));
        // A transaction arrives in one piece and is answered in one.
        if (in.available() == 0 || isOver) {
          out.flush();
        }
      }
    } catch (IOException gone) {
      isOver = true;
    }
  }

  private String readLine() throws IOException {
    line.reset();
    for (int c = in.read(); c != '\n'; c = in.read()) {
      if (c < 0) {
        return null;
      }
      line.write(c);
    }
    return line.toString(StandardCharsets.UTF_8);
  }

  // Returns false when the store is done with.
  private boolean answer(String[] words) throws IOException {
    boolean endsStore = words[0].equals("open") || words[0].equals("close");
    try {
      run(words);
      say(words[0].equals("dump") ? "end" : "ok");
      endsStore = words[0].equals("close");
    } catch (Throwable problem) {
      say("err " + describe(problem));
    }
    return !endsStore && !isOver;
  }

  private void run(String[] words) throws Exception {
    switch (words[0]) {
      case "open" -> open(words);
      case "begin" -> begin();
      case "put", "del" -> change(words);
      case "commit" -> commit();
      case "abort" -> {
        needTransaction();
        changes = null;
      }
      case "dump" -> needStore().dump(this::sayPair);
      case "check" -> {
        String problem = needStore().check();
        if (problem != null) {
          throw new Complaint(problem);
        }
      }
      case "repair" -> throw new Complaint("Mavibot has no repair");
      case "close" -> close();
      case "quit" -> isOver = true;
      default -> throw new Complaint("there is no command '" + words[0] + "'");
    }
  }

  private void open(String[] words) throws Exception {
    if (store != null) {
      throw new Complaint("a store is open already");
    }
    if (words.length < 2) {
      throw new Complaint("open needs a directory");
    }
    MavibotStore.Options options = new MavibotStore.Options();
    for (int i = 2; i < words.length; ++i) {
      String[] pair = words[i].split("=", 2);
      switch (pair[0]) {
        case "page_size" -> options.pageSize = Integer.parseInt(pair[1]);
        case "joined" -> options.joined = pair[1].equals("1");
        default -> throw new Complaint("there is no option '" + words[i] + "'");
      }
    }
    try {
      store = new MavibotStore(words[1], options);
    } finally {
      if (store == null && ++failedOpens % FAILED_OPENS_BEFORE_COLLECTION == 0) {
        System.gc();
      }
    }
  }

  // The changes wait here for commit, so that the first that fails leaves nothing half applied that
  // the library has not been told of.
  private void begin() throws Exception {
    needStore();
    if (changes != null) {
      throw new Complaint("a transaction is open already");
    }
    changes = new ArrayList<>();
    failure = null;
  }

  private void change(String[] words) throws Exception {
    needTransaction();
    if (failure != null) {
      throw failure;
    }
    try {
      boolean isPut = words[0].equals("put");
      if (words.length != (isPut ? 3 : 2)) {
        throw new Complaint(words[0] + " takes " + (isPut ? 2 : 1) + " words");
      }
      changes.add(new byte[][] {decode(words[1]), isPut ? decode(words[2]) : null});
    } catch (Exception problem) {
      failure = problem;
      throw problem;
    }
  }

  private void commit() throws Exception {
    needTransaction();
    List<byte[][]> wanted = changes;
    changes = null;
    if (failure != null) {
      throw failure;
    }
    store.apply(wanted);
  }

  private void close() throws Exception {
    MavibotStore closing = needStore();
    store = null;
    changes = null;
    closing.close();
  }

  private MavibotStore needStore() throws Complaint {
    if (store == null) {
      throw new Complaint("no store is open");
    }
    return store;
  }

  private void needTransaction() throws Complaint {
    if (changes == null) {
      throw new Complaint("no transaction is open");
    }
  }

  private void sayPair(byte[] key, byte[] value) throws IOException {
    say(encode(key) + " " + encode(value));
  }

  private void say(String text) throws IOException {
    out.write(text.getBytes(StandardCharsets.UTF_8));
    out.write('\n');
  }

  private static byte[] decode(String word) {
    return word.equals("-") ? new byte[0] : HexFormat.of().parseHex(word);
  }

  private static String encode(byte[] data) {
    return data == null || data.length == 0 ? "-" : HexFormat.of().formatHex(data);
  }

  /** What the driver itself has to say; the name of this class is of no interest to anybody. */
  private static final class Complaint extends Exception {
    private static final long serialVersionUID = 1L;

    Complaint(String text) {
      super(text);
    }
  }

  // The library wraps what it has caught: the innermost exception is what happened.
  static String describe(Throwable problem) {
    Throwable cause = problem;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    String message = cause.getMessage() == null ? "" : cause.getMessage().replaceAll("\\s+", " ");
    if (cause instanceof Complaint) {
      return message;
    }
    return cause.getClass().getSimpleName() + (message.isEmpty() ? "" : ": " + message);
  }
}
